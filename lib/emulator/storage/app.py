"""The WSGI application: from a raw request to the room that answers it, and errors back.

Routes are a table over the raw path, because object names may hold anything once they are decoded.
A parameter or an endpoint that is not played answers 501 with its name.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from lib.emulator.storage import buckets, control
from lib.emulator.storage.errors import StorageError, invalid, not_played
from lib.emulator.storage.faults import Faults
from lib.emulator.storage.json_api import JsonApi
from lib.emulator.storage.objects import Store
from lib.emulator.storage.signatures import Verifier, Wire
from lib.emulator.storage.uploads import Uploads
from lib.emulator.storage.xml_api import XmlApi
from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.clock import Clock

# Parameters that change no result.
HARMLESS = frozenset({"alt", "prettyPrint", "key", "quotaUser", "userProject", "projection"})


@dataclass(frozen=True)
class Route:
    """One line of the table.

    Attributes:
        method: HTTP method.
        path: the raw path as a pattern; its groups are handed over decoded.
        answer: the handler.
        parameters: the query parameters that it understands.
    """

    method: str
    path: re.Pattern[str]
    answer: Callable[..., Response]
    parameters: frozenset[str] | None


@dataclass(frozen=True)
class Call:
    """A request on its way to a room.

    Attributes:
        request: the werkzeug request, for its body.
        wire: the raw request.
        query: the decoded parameters.
        base: scheme and host that the caller used.
    """

    request: Request
    wire: Wire
    query: Mapping[str, str]
    base: str

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            StorageError: 400.
        """
        try:
            data = json.loads(self.request.get_data() or b"{}")
        except ValueError:
            raise invalid("Parse Error: the body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise invalid("The body must be a JSON object.")
        return data

    @property
    def generation(self) -> int | None:
        """The `generation` parameter."""
        text = self.query.get("generation")
        if text is not None and not text.isdigit():
            raise invalid(f"Invalid value {text!r} for generation.", "generation")
        return int(text) if text is not None else None


class StorageApp:
    """The emulated service.

    Args:
        clock: every time comes from here.
        signers: account e-mail to its public key (PEM); only their signatures count.
        base_url: scheme and host to put into links; None takes what the caller used.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        signers: Mapping[str, str | bytes] | None = None,
        base_url: str | None = None,
    ) -> None:
        self.clock, self.faults = clock, Faults()
        self.store = Store(clock)
        self._base_url = base_url
        self._verifier = Verifier(signers or {})
        uploads = Uploads(self.store)
        json_api = JsonApi(self.store, uploads, self.faults, clock)
        xml_api = XmlApi(self.store, uploads, self.faults, self._verifier, clock)
        self._routes = [
            Route(method, re.compile(path), answer, parameters)
            for method, path, answer, parameters in (
                *control.routes(self),
                *json_api.routes(),
                *xml_api.routes(),
            )
        ]
        clock.on_advance(self._lifecycle)

    def _lifecycle(self) -> None:
        buckets.run_lifecycle(self.store, self.clock.now())

    def add_signer(self, email: str, public_pem: str | bytes) -> None:
        """Let an account's signatures count."""
        self._verifier.add(email, public_pem)

    def create_bucket(self, name: str) -> None:
        """Make an empty bucket, if it is not there."""
        if name not in self.store.buckets:
            buckets.create(self.store, {"name": name}, self.clock.now())

    def reset(self) -> None:
        """Empty all buckets and forget all faults; the buckets stay."""
        with self.store.lock:
            for bucket in self.store.buckets.values():
                bucket.objects.clear()
        self.faults.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        path, _, query = environ["REQUEST_URI"].partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        wire = Wire(request.method, path, query, headers)
        call = Call(request, wire, dict(wire.parameters()), self._base_url or request.host_url[:-1])
        try:
            response = self._route(call)
        except StorageError as error:
            response = _refusal(error, xml=not _is_json(path), method=request.method)
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - a crash must look like the service's 500, and be seen
            traceback.print_exc(file=sys.stderr)
            crash = StorageError(500, "backendError", "The emulator crashed.", "InternalError")
            response = _refusal(crash, xml=False, method=request.method)
        self._cors(response, wire)
        return response(environ, start_response)

    def _route(self, call: Call) -> Response:
        found = None
        for route in self._routes:
            match = route.path.fullmatch(call.wire.path)
            if match is None:
                continue
            found = route
            if route.method == call.wire.method:
                _check_parameters(route, call)
                return route.answer(call, *(unquote(text) for text in match.groups()))
        if found is None:
            raise not_played(f"the endpoint {call.wire.method} {call.wire.path}")
        raise not_played(f"{call.wire.method} on {found.path.pattern}")

    def _cors(self, response: Response, wire: Wire) -> None:
        name = re.match(r"/(?:(?:upload/|download/)?storage/v1/b/)?([^/]+)", wire.path)
        bucket = self.store.buckets.get(unquote(name[1])) if name else None
        if bucket is not None and wire.method != "OPTIONS":
            origin = wire.headers.get("origin")
            response.headers.update(buckets.cors_headers(bucket, origin, wire.method))


def _check_parameters(route: Route, call: Call) -> None:
    if route.parameters is None:
        return
    for name in call.query:
        if name not in route.parameters and name not in HARMLESS:
            raise not_played(f"the parameter {name} on {call.wire.method} {call.wire.path}")


def _is_json(path: str) -> bool:
    return path.startswith(("/storage/", "/upload/", "/download/", "/emulator"))


def _refusal(error: StorageError, *, xml: bool, method: str) -> Response:
    if error.status == 304 or method == "HEAD":  # noqa: PLR2004 - HTTP's own: no body
        return Response(status=error.status, headers=error.headers)
    body = error.xml() if xml else error.json()
    kind = "application/xml; charset=UTF-8" if xml else "application/json; charset=UTF-8"
    return Response(body, error.status, error.headers, content_type=kind)
