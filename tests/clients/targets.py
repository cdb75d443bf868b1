"""Whom the clients talk to: the emulated service itself, or our function in front of it.

Both on real loopback ports over one moved clock. A client is told a base URL and a key, nothing
else.
"""

import contextlib
import json
import re
import threading
import time

import requests
from werkzeug.wrappers import Request, Response

from lib.emulator.body import Dropped
from lib.emulator.server import Server
from lib.web.auth import digest
from tests.world import KEY, World, picture

NAMES = ("emulator", "api")
OWNERS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}
SPEED_S = 3.0  # virtual seconds that pass with each step of `time_passes`
FIRST_PICTURE, LAST_PICTURE = picture(), picture(color=(200, 60, 30))


def pictures(environ, start_response):
    """The web where frames lie; the names that end with 1 or begin with first are first frames."""
    name = environ["PATH_INFO"].rpartition("/")[2]
    special = {
        "small.png": lambda: picture(100, 100),
        "broken.png": lambda: FIRST_PICTURE[:400],
        "text.png": lambda: b"this is no picture",
        "holes.png": lambda: picture(mode="RGBA", color=(1, 2, 3, 100)),
        "still.gif": lambda: picture(mode="P", color=3, kind="GIF"),
        "heavy.png": lambda: FIRST_PICTURE + bytes(10 * 1024 * 1024),
    }
    if name == "missing.png":
        return Response("gone", 404)(environ, start_response)
    data = FIRST_PICTURE if name.startswith("first") or name.endswith("1.png") else LAST_PICTURE
    data = special.get(name, lambda: data)()
    return Response(data, content_type="image/png")(environ, start_response)


class Target:
    """One of the two, with hands to move time and to look behind it.

    Args:
        name: `emulator` or `api`.
        film: makes the MP4 bytes of a task.
        options: of the world.
    """

    def __init__(self, name, film, **options):
        self.name, self._stack = name, contextlib.ExitStack()
        self._web = self._serve(pictures)
        self.pictures = self._web.url
        apps = {}
        storage, upstream = (
            self._serve(lambda environ, start, part=part: apps[part](environ, start))
            for part in ("storage", "upstream")
        )
        env = {"AUTH": "on", "OWNER_KEYS": json.dumps(OWNERS), **options.pop("env", {})}
        self.world = World(film, env=env, places=(storage.url, upstream.url), **options)
        apps |= {"storage": self.world.storage, "upstream": self.world.upstream}
        # A clock that runs a hundred times faster must not run out a lease within one request.
        self.cuts, self._still = 0, threading.Lock()
        api = self._serve(self._api)
        self.origin = upstream.url if name == "emulator" else api.url
        self.url = f"{self.origin}/api/v1"
        self.key = KEY if name == "emulator" else "key-a"
        self.first, self.last = f"{self.pictures}/first.png", f"{self.pictures}/last.png"

    def _serve(self, app):
        return self._stack.enter_context(Server(app))

    def _api(self, environ, start_response):
        """Our function; the answers to the next `cuts` creates are lost on the way."""
        with self._still:
            answer = list(Request.application(self.world.service.api)(environ, start_response))
        if self.cuts and environ["PATH_INFO"].endswith("/video-synthesis"):
            self.cuts -= 1
            raise Dropped("the answer is lost")
        return answer

    def close(self):
        """Free the ports."""
        self._stack.close()

    @contextlib.contextmanager
    def time_passes(self):
        """Meanwhile the clock runs, tasks end and ticks happen."""
        over = threading.Event()

        def run():
            while not over.wait(0.05):
                with self._still:
                    self.world.clock.advance(SPEED_S)
                    self.world.tick()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def settle(self):
        """Let everything end."""
        self.world.clock.advance(100)
        self.world.run()

    def get(self, task_id, key=None):
        """The plain answer to a query."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return requests.get(f"{self.url}/tasks/{task_id}", headers=headers, timeout=5).json()

    def wait(self, task_id):
        """The answer to a query when the task has ended."""
        for _ in range(200):
            answer = self.get(task_id)
            if answer["output"]["task_status"] not in {"PENDING", "RUNNING"}:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{task_id} does not end")


ID = re.compile(r"vid_[0-9a-z]{27}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LINK = re.compile(r"http://127\.0\.0\.1:\d+/[^\s\"',}]*")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")


def plain(text):
    """What a client printed, without what differs between any two runs: ids, links, moments."""
    text = ID.sub("<id>", text)
    return MOMENT.sub("<moment>", LINK.sub("<link>", text))
