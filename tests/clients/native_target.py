"""Our function as clients of `/v1` meet it: on a loopback port, in any weather between the two.

It works with one clock and one bucket like every world; what a storm does to an answer happens on
the wire, after or before the function, so that neither the client nor the function can know of it.
"""

import base64
import contextlib
import itertools
import threading
import time

from werkzeug.wrappers import Request, Response

from lib.emulator.body import Dropped
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE, Target

SLOW_S = 3.0  # a client that should give up waits less
LOST, BROKEN, REFUSED, SLOW, LATE = "lost", "broken", "refused", "slow", "late"


def uri(picture, kind="png"):
    """A picture as a data URI."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()


FIRST_URI, LAST_URI = uri(FIRST_PICTURE), uri(LAST_PICTURE)


class NativeTarget(Target):
    """The function, what it was asked, and what happens to the next creates.

    Attributes:
        asked: one `(method, path, headers, seconds)` for each request, in their order.
        storms: for each of the next creates: `lost` (done, answer cut), `broken` (done, a proxy
            says 500), `refused` (not done, a proxy says 503), `slow` (done, answered late), `late`
            (done late, while the client is already trying again), None (nothing).

    Args:
        film: makes the MP4 bytes of a task.
        options: of the world.
    """

    def __init__(self, film, **options):
        self.asked, self.storms = [], []
        self._busy, self._idle = 0, threading.Condition()
        super().__init__("api", film, **options)
        self.url = f"{self.origin}/v1"

    def settle(self):
        """Let everything end, the tries first that their client has given up and that come late.

        Raises:
            AssertionError: one of them never came back.
        """
        with self._idle:
            assert self._idle.wait_for(lambda: not self._busy, timeout=60)
        super().settle()

    def _api(self, environ, start_response):
        with self._idle:
            self._busy += 1
        try:
            return self._weathered(environ, start_response)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def _weathered(self, environ, start_response):
        request = Request(environ)
        self.asked.append((request.method, request.path, dict(request.headers), time.monotonic()))
        create = (request.method, request.path) == ("POST", "/v1/videos")
        storm = self.storms.pop(0) if create and self.storms else None
        if storm == REFUSED:
            return self._proxy(503)(environ, start_response)
        if storm == LATE:
            time.sleep(SLOW_S)
        met = {}
        answer = super()._api(environ, lambda *line: met.update(line=line))
        if storm == LOST:
            raise Dropped("the answer is lost")
        if storm == BROKEN:
            return self._proxy(500)(environ, start_response)
        if storm == SLOW:
            time.sleep(SLOW_S)
        with contextlib.suppress(OSError):  # whoever asked may be gone
            start_response(*met["line"][:2])
        return answer

    def _proxy(self, status):
        return Response("<h1>upstream connect error</h1>", status, content_type="text/html")

    def creates(self):
        """The retry count that each create came with."""
        return [
            headers.get("X-Stainless-Retry-Count")
            for method, path, headers, _ in self.asked
            if (method, path) == ("POST", "/v1/videos")
        ]

    def gaps_s(self, path):
        """Seconds between each two GETs of a path."""
        times = [at for method, got, _, at in self.asked if (method, got) == ("GET", path)]
        return [later - earlier for earlier, later in itertools.pairwise(times)]
