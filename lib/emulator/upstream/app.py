"""The WSGI application of the emulated upstream: routing, keys, errors, the form of answers.

Each region is a base path of its own (`/singapore/api/v1`, `/beijing/api/v1`) with its own keys and
models. What the service's documents leave open is listed on `/emulator`.
"""

from __future__ import annotations

import gzip
import re
import sys
import traceback
from email.utils import formatdate
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from lib.emulator.body import Dropped
from lib.emulator.seeded import seeded
from lib.emulator.upstream.accounts import ApiKeys
from lib.emulator.upstream.control import UpstreamControl
from lib.emulator.upstream.create import Creates
from lib.emulator.upstream.errors import UpstreamError, named
from lib.emulator.upstream.faults import UpstreamFaults
from lib.emulator.upstream.frames import Frames
from lib.emulator.upstream.limits import RateLimits
from lib.emulator.upstream.queries import Queries
from lib.emulator.upstream.results import Results, xml_error
from lib.emulator.upstream.routing import UpstreamRoute, as_json
from lib.emulator.upstream.state import Ids, Settings, UpstreamState
from lib.emulator.upstream.tasks import TaskStore
from lib.emulator.upstream.timing import Timing
from lib.emulator.upstream.uploads import Policies, TemporaryFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import requests
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.clock import Clock
    from lib.emulator.upstream.timing import FilmSource

DEFAULT_KEYS: Mapping[str, Sequence[str]] = {
    "singapore": ("sk-local-singapore",),
    "beijing": ("sk-local-beijing",),
}


class UpstreamApp:
    """The emulated service.

    Args:
        clock: every time comes from here.
        keys: region to its API keys; all of a region are one account, but `NAME:KEY` is a key of
            the account NAME.
        base_url: how clients reach it, for result and upload links.
        render: makes the film of a task.
        fetch: downloads frames.
        timing: how long tasks take; by default as long as their rendering.
        overflow: a third task at once is refused (`refuse`) or left PENDING (`queue`).
        bad_frame: a frame that is no good makes the task `fail`, or the create is a `refuse`.
        list_lag_s: the list shows the tasks as they were so many seconds ago.
        seed: of ids and of films without a seed of their own.
        sleep: how a declared delay passes; by default by moving the clock.

    Attributes:
        tasks: every accepted task, oldest first, as of now.
        counts: requests by operation; `<operation>_refused`, `<operation>_429`, ... beside them.
        faults: failures to declare.
        settings: what may be changed while it runs.
    """

    def __init__(  # noqa: PLR0913 - named one by one where it is built
        self,
        clock: Clock,
        *,
        base_url: str,
        render: Callable[[FilmSource], bytes],
        fetch: requests.Session,
        keys: Mapping[str, Sequence[str]] = DEFAULT_KEYS,
        timing: Timing | None = None,
        overflow: str = "refuse",
        bad_frame: str = "fail",
        list_lag_s: float = 0.0,
        seed: int = 0,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.clock, self.faults = clock, UpstreamFaults(sleep or clock.advance)
        self.tasks = TaskStore(clock, render, timing or Timing.rendering())
        self.settings = Settings(overflow, bad_frame, list_lag_s)
        self._accounts, self._ids = ApiKeys(keys), Ids(seed)
        self._limits = RateLimits(clock)
        secret = seeded(f"{seed} secret").randbytes(32)
        self._results = Results(self.tasks, clock, base_url, secret)
        self._temporaries = TemporaryFiles(clock, base_url, secret)
        self._state = UpstreamState(
            clock, self.tasks, self.faults, self._limits, self._ids, self.settings
        )
        self.counts = self._state.counts
        creates = Creates(self._state, Frames(fetch, self._temporaries))
        self._refusals = creates.refusals
        handlers = (
            creates,
            Queries(self._state, self._results),
            Policies(self._state, self._temporaries),
        )
        routes = (route for handler in handlers for route in handler.routes())
        self._routes = [(route, re.compile(route.path)) for route in routes]
        self._control = UpstreamControl(self._state, self.reset)

    def reset(self) -> None:
        """Forget all tasks, uploads, faults and counts; settings and the clock stay."""
        for held in (self.tasks, self.faults, self.counts, self._limits, self._refusals):
            held.clear()
        self._temporaries.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        if request.path.split("/")[1:2] == ["emulator"]:
            response = self._control(request)
        elif request.path.startswith("/results/"):
            response = self._download(request)
        elif request.path.rstrip("/") == "/oss":
            response = self._receive(request)
        else:
            response = _compressed(request, self._serve(request))
        response.headers.setdefault("Date", formatdate(self.clock.now(), usegmt=True))
        return response(environ, start_response)

    def _download(self, request: Request) -> Response:
        self._state.count("result")
        try:
            return self.faults.around("result", "", lambda: self._results.answer(request))
        except UpstreamError as error:
            return xml_error(error.status, error.code, error.message)

    def _receive(self, request: Request) -> Response:
        self._state.count("upload")
        try:
            return self.faults.around("upload", "", lambda: self._temporaries.receive(request))
        except UpstreamError as error:
            return xml_error(error.status, error.code, error.message)

    def _serve(self, request: Request) -> Response:
        """One operation of the service itself."""
        request_id, operation = self._ids.request(), ""
        try:
            region, route, arguments = self._route(request)
            operation = route.operation
            authorization = request.headers.get("Authorization", "")
            caller = self._accounts.caller(region, authorization, request_id)
            return self.faults.around(
                operation, region, lambda: route.answer(request, caller, *arguments)
            )
        except UpstreamError as error:
            if operation:
                self._state.count(f"{operation}_refused")
                self._state.count(f"{operation}_{error.status}")
            return _refusal(error, request_id)
        except Dropped:
            self._state.count(f"{operation}_dropped")
            raise
        except Exception:  # noqa: BLE001 - a crash must look like the service's 500, and be seen
            traceback.print_exc(file=sys.stderr)
            return _refusal(named("internal"), request_id)

    def _route(self, request: Request) -> tuple[str, UpstreamRoute, tuple[str, ...]]:
        located = self._accounts.locate(request.path, request.host)
        if located is not None:
            region, path = located
            for route, pattern in self._routes:
                found = pattern.fullmatch(path)
                if found and route.method == request.method:
                    return region, route, found.groups()
        raise UpstreamError(404, "NotFound", "Not found!")


def _refusal(error: UpstreamError, request_id: str) -> Response:
    data = {"code": error.code, "message": error.message, "request_id": request_id}
    response = as_json(data, error.status)
    response.headers["X-Request-ID"] = request_id
    return response


def _compressed(request: Request, response: Response) -> Response:
    """As the service sends it: gzip for a client that takes it, in chunks of unknown total."""
    if not request.accept_encodings.quality("gzip") or not response.is_sequence:
        return response
    packed = gzip.compress(response.get_data(), mtime=0)
    response.response = iter((packed,))
    response.headers["Content-Encoding"] = "gzip"
    response.headers.remove("Content-Length")
    return response
