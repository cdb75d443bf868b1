"""The app that frontends call: routes, authentication, CORS, and an answer to every error.

functions-framework hands over every path and every method, so 404, 405 and CORS are decided here.
What goes wrong below is answered as a problem document, never as a page and never with its own
text.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from lib import logs
from lib.core.errors import METHOD_NOT_ALLOWED, NOT_FOUND, ApiError
from lib.web import address, answered, cors, intake, problem
from lib.web.compat import app as compat_app
from lib.web.last_resort import RefusalLog, answer_or_refuse
from lib.web.route import Router
from lib.web.routes import table

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from lib.flows.context import Context
    from lib.web.auth import Auth
    from lib.web.compat.app import Compat

EXPOSED = (
    "Location, Retry-After, openai-poll-after-ms, RateLimit, RateLimit-Policy, x-request-id, ETag, "
    "Idempotent-Replayed, Preference-Applied"
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
PREFLIGHT_S = 3600
BROKEN = "Something broke on our side. The request id leads its owner to the cause."


class App:
    """Everything that frontends call.

    Args:
        context: what the flows work with.
        auth: tells whose request it is.
        compat: the app of DashScope's own dialect.
        origins: browsers' origins that may call; none by default.
        max_body_bytes: the largest request.
        implicit_s: for how long a client's own re-send counts as the same create, seconds.
        reached_at: what is known of our own address.

    Attributes:
        routes: the calls of the native dialect.
    """

    def __init__(
        self,
        context: Context,
        auth: Auth,
        compat: Compat,
        *,
        origins: tuple[str, ...] = (),
        max_body_bytes: int,
        implicit_s: float,
        reached_at: address.Address | None = None,
    ) -> None:
        self._address = reached_at or address.Address()
        self._auth, self._origins = auth, frozenset(origins)
        self._compat, self._now = compat, context.now
        self._bodies, self._limit = context.body_memory, max_body_bytes
        self.routes = table(context, max_body_bytes=max_body_bytes, implicit_s=implicit_s)
        self._router = Router(self.routes)
        self._refusals = RefusalLog()

    def __call__(self, request: Request) -> Response:
        """Answer one request; never raises."""
        self._address.enter(request)
        request_id = _request_id(request)
        with logs.request(request_id, request.headers):
            response = answer_or_refuse(
                lambda: self._dispatch(request, request_id),
                lambda error: problem.answer(error, request_id),
                refusals=self._refusals,
                crash="request.crashed",
                sentence=BROKEN,
                method=request.method,
            )
            address.leave(request, response)
            intake.finish(request, response)
            request.close()
        response.headers["x-request-id"] = request_id
        self._cors(request, response)
        return response

    def _dispatch(self, request: Request, request_id: str) -> Response:
        if compat_app.serves(request.path):
            return self._compat(request, request_id)
        self._auth.check_source(request)
        try:
            route, segments = self._router.find(request.method, request.path)
        except NotFound:
            raise ApiError(
                NOT_FOUND, "There is no such path here. Videos live at /v1/videos."
            ) from None
        except MethodNotAllowed as other:
            allowed = ", ".join(sorted({*(other.valid_methods or ()), "OPTIONS"}))
            return _other_method(request, allowed)
        if route.public:
            return route.answer(request)
        owner = self._auth.owner(request.headers.get("Authorization"))
        logs.bind(job=next(iter(segments), None))
        answered.begin(request, self._now())
        with intake.admitted(self._bodies, request, self._limit):
            return route.answer(request, owner, *segments)

    def _cors(self, request: Request, response: Response) -> None:
        origin = request.headers.get("Origin")
        if self._origins:
            response.headers.add("Vary", "Origin")
        if origin and (origin in self._origins or "*" in self._origins):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        else:
            for name in ("Methods", "Headers"):
                response.headers.pop(f"Access-Control-Allow-{name}", None)


def _other_method(request: Request, allowed: str) -> Response:
    """What a method leads to that no route of a path has: a preflight's answer, or 405."""
    if request.method != "OPTIONS":
        raise ApiError(
            METHOD_NOT_ALLOWED,
            f"{request.method[:20]} is not allowed on this path; allowed: {allowed}.",
            headers={"Allow": allowed},
        )
    headers = {
        "Allow": allowed,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": cors.allowed_headers(request),
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }
    return Response(status=204, headers=headers)


def _request_id(request: Request) -> str:
    if compat_app.serves(request.path):
        return compat_app.new_request_id()
    given = request.headers.get("X-Request-Id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
