"""The WSGI application of the emulated upstream: routes, keys, rate limits, errors.

Each region is a base path of its own (`/singapore/api/v1`, `/beijing/api/v1`) with its own keys and
models. What the service's documents leave open is listed on `/emulator`.
"""

from __future__ import annotations

import json
import random
import re
import sys
import traceback
import uuid
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from lib.emulator.dashscope import control
from lib.emulator.dashscope.errors import UpstreamError, named
from lib.emulator.dashscope.faults import Faults
from lib.emulator.dashscope.models import REGIONS
from lib.emulator.dashscope.results import Results
from lib.emulator.dashscope.service import Caller, Service
from lib.emulator.dashscope.tasks import Tasks, Timing
from lib.emulator.dashscope.uploads import Temporaries
from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import requests
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.clock import Clock
    from lib.emulator.dashscope.tasks import Film

DEFAULT_KEYS = {"singapore": ("sk-local-singapore",), "beijing": ("sk-local-beijing",)}
REGION = re.compile(r"/(singapore|beijing)/api/v1(/.*)")


class UpstreamApp:
    """The emulated service.

    Args:
        clock: every time comes from here.
        keys: region to its API keys; all keys of a region are one account.
        base_url: how the world reaches it, for result and upload links.
        render: makes the film of a task.
        fetch: downloads frames.
        timing: how long tasks take.
        overflow: a third task at once is refused (`refuse`) or left PENDING (`queue`); the way of
            the service is not documented.
        seed: of ids and of films without a seed of their own.
        list_lag_s: how late the list shows a new task.
    """

    def __init__(  # noqa: PLR0913 - named one by one where it is built
        self,
        clock: Clock,
        *,
        base_url: str,
        render: Callable[[Film], bytes],
        fetch: requests.Session,
        keys: Mapping[str, Sequence[str]] = DEFAULT_KEYS,
        timing: Timing | None = None,
        overflow: str = "refuse",
        seed: int = 0,
        list_lag_s: float = 0.0,
    ) -> None:
        self.clock, self.faults = clock, Faults(clock.advance)
        self.tasks = Tasks(clock, render, timing or Timing.rendering())
        self._random = random.Random(seed)  # noqa: S311 - ids must repeat with the seed
        self._keys = {key: (region, at) for region in keys for at, key in enumerate(keys[region])}
        secret = self._random.randbytes(32)
        self._results = Results(self.tasks, clock, base_url, secret)
        self._temporaries = Temporaries(clock, base_url, secret)
        self.service = Service(
            clock=clock,
            tasks=self.tasks,
            faults=self.faults,
            results=self._results,
            temporaries=self._temporaries,
            fetch=fetch,
            random=self._random,
            new_id=self._id,
            overflow=overflow,
            list_lag_s=list_lag_s,
        )
        self.counts = self.service.counts
        self._routes = [
            (method, re.compile(path), handler) for method, path, handler in self.service.routes()
        ]

    def reset(self) -> None:
        """Forget all tasks, faults and counts."""
        self.tasks.clear()
        self.faults.clear()
        self.counts.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        request_id = self._id()
        try:
            response = self._dispatch(request, request_id)
        except UpstreamError as error:
            response = _refusal(error, request_id)
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - a crash must look like the service's 500, and be seen
            traceback.print_exc(file=sys.stderr)
            response = _refusal(named("internal"), request_id)
        finally:
            request.close()
        return response(environ, start_response)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _dispatch(self, request: Request, request_id: str) -> Response:
        if request.path.startswith("/emulator"):
            return control.answer(self, request)
        if request.path.startswith("/results/"):
            task_id = request.path.removeprefix("/results/").removesuffix(".mp4")
            self.counts["result"] += 1
            asked = request.headers.get("Range")
            query = request.args.to_dict()
            return self._results.answer(task_id, query, asked, request.method, self.faults)
        if request.path.rstrip("/") == "/oss":
            self._temporaries.receive(request)
            return Response(status=200)
        match = REGION.fullmatch(request.path)
        path = match[2].rstrip("/") if match else ""
        for method, pattern, handler in self._routes if match else ():
            found = pattern.fullmatch(path)
            if found and method == request.method and match:
                key_id = self._key(request, match[1])
                caller = Caller(match[1], key_id, request_id)
                return handler(request, caller, *found.groups())
        raise UpstreamError(404, "NotFound", "Not found!")

    def _key(self, request: Request, region: str) -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise UpstreamError(401, "InvalidApiKey", "No API-key provided.")
        owner, index = self._keys.get(key.strip(), ("", 0))
        if owner != region:
            raise named("key")
        return str(40000 + 1000 * list(REGIONS).index(region) + index)


def _refusal(error: UpstreamError, request_id: str) -> Response:
    headers = {"X-Request-ID": request_id}
    if not error.code:
        body = f"<html><body>{error.status}</body></html>"
        return Response(body, error.status, headers, content_type="text/html")
    data = {"code": error.code, "message": error.message, "request_id": request_id}
    body = json.dumps(data, ensure_ascii=False)
    return Response(body, error.status, headers, content_type="application/json")
