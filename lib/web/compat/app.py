"""The app of the compat dialect: DashScope's paths under `/api/v1`, for its own SDKs.

Routes, keys and errors as the service has them: a trailing slash and a query string change nothing,
unknown ids are UNKNOWN with HTTP 200, and no answer is a problem document. Refuses everything in
the service's words. Source: Alibaba Cloud Model Studio, the API reference of the kf2v models.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from lib.core import catalogue
from lib.core.errors import UNAUTHENTICATED, ApiError
from lib.flows.requests.implicit_key import Repeats
from lib.flows.requests.submit import submit, submit_keyless
from lib.flows.requests.uploads import check as check_uploads
from lib.web import address, answered, intake
from lib.web.compat import body, dialect
from lib.web.compat.tasks import CompatTasks
from lib.web.idempotency import idempotency_key
from lib.web.last_resort import RefusalLog, answer_or_refuse
from lib.web.route import Route, Router

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from lib.flows.context import Context
    from lib.web.auth import Auth
    from lib.web.compat.uploads import TemporaryUploads

BASE = "/api/v1"
CREATE = "/services/aigc/image2video/video-synthesis"
OTHER_MODELS = "/services/aigc/video-generation/video-synthesis"
TASK_TYPE = "application/json;charset=UTF-8"
WRONG_PATH = "url error, please check url!"
UNREADABLE = "Unable to download the media resource during the data inspection process."


def serves(path: str) -> bool:
    """Whether this app answers a path."""
    return path.startswith(f"{BASE}/")


def new_request_id() -> str:
    """An id as the service's answers carry it; a caller cannot choose it."""
    return str(uuid.uuid4())


class Compat:
    """Everything under `/api/v1`.

    Args:
        context: what the flows work with.
        auth: tells whose request it is.
        uploads: temporary files.
        max_body_bytes: the largest request.
        implicit_s: for how long a repeated create is a re-send, seconds.

    Attributes:
        routes: the calls of this dialect.
    """

    def __init__(
        self,
        context: Context,
        auth: Auth,
        uploads: TemporaryUploads,
        *,
        max_body_bytes: int,
        implicit_s: float,
    ) -> None:
        self._context, self._auth, self._uploads = context, auth, uploads
        self._tasks = CompatTasks(context)
        self._limit, self._implicit_s = max_body_bytes, implicit_s
        self.routes = (
            Route("POST", f"{BASE}{CREATE}", self._create),
            Route("POST", f"{BASE}{OTHER_MODELS}", self._other_models),
            Route("GET", f"{BASE}/tasks", self._list),
            Route("GET", f"{BASE}/tasks/{{id}}", self._get),
            Route("POST", f"{BASE}/tasks/{{id}}/cancel", self._cancel),
            Route("GET", f"{BASE}/uploads", self._policy),
            # The policy in the form says who may.
            Route("POST", f"{BASE}/uploads", self._upload, public=True),
        )
        self._router = Router(self.routes)
        self._refusals = RefusalLog()

    def __call__(self, request: Request, request_id: str) -> Response:
        """Answer one request; never raises."""
        return answer_or_refuse(
            lambda: self._dispatch(request, request_id),
            lambda error: _refusal(error, request_id),
            refusals=self._refusals,
            crash="request.crashed",
            sentence="",
            method=request.method,
        )

    def _dispatch(self, request: Request, request_id: str) -> Response:
        self._auth.check_source(request)
        try:
            route, segments = self._router.find(request.method, request.path.rstrip("/"))
        except (NotFound, MethodNotAllowed):
            raise dialect.no_such_path() from None
        if route.method != request.method:  # the service has no HEAD
            raise dialect.no_such_path()
        if route.public:
            return route.answer(request)
        owner = self._owner(request)
        answered.begin(request, self._context.now())
        with intake.admitted(self._context.body_memory, request, self._limit):
            return route.answer(request, owner, request_id, *segments)

    def _owner(self, request: Request) -> str:
        header = request.headers.get("Authorization", "")
        try:
            return self._auth.owner(header)
        except ApiError as error:
            if error.kind is not UNAUTHENTICATED:
                raise
            scheme, _, key = header.partition(" ")
            given = scheme.lower() == "bearer" and key.strip()
            message = "Invalid API-key provided." if given else "No API-key provided."
            raise dialect.refused("InvalidApiKey", message, UNAUTHENTICATED) from None

    # Create

    def _create(self, request: Request, owner: str, request_id: str) -> Response:
        data = self._body(request)
        name = data.get("model")
        if isinstance(name, str) and name and "kf2v" not in name:
            raise dialect.refused("InvalidParameter", WRONG_PATH)
        model = self._model(name)
        order = dialect.parse(self._resolved(data, request, owner, model))
        if key := idempotency_key(request):
            made = submit(self._context, owner, order, key)
        else:
            made = submit_keyless(self._context, owner, order, Repeats(self._implicit_s))
        job = made.job
        failure = job.verdict.failure if job.verdict else None
        if failure and failure.upstream_code and not made.replayed:
            # The upstream refused it at once: its caller gets what the service would have answered.
            raise dialect.refused(failure.upstream_code, failure.message, failure.kind)
        response = _json(dialect.created(job, request_id))
        response.headers.update(made.limits)
        return answered.note_answer(self._context, request, made, response)

    def _other_models(self, request: Request, _owner: str, _request_id: str) -> Response:
        """The path of other models: kf2v models are not served on it."""
        self._model(self._body(request).get("model"))
        raise dialect.refused("InvalidParameter", WRONG_PATH)

    def _body(self, request: Request) -> dict[str, Any]:
        if request.headers.get("X-DashScope-Async") != "enable":
            raise dialect.not_synchronous()
        return body.read(request, self._limit)

    def _model(self, name: object) -> str:
        """A model that one of our regions offers."""
        if not isinstance(name, str) or not name:
            message = "Model parameter is missing from the request."
            raise dialect.refused("BadRequest.EmptyModel", message)
        regions = {upstream.region for upstream in self._context.upstreams.values()}
        if regions.isdisjoint(catalogue.regions_of(name)):
            raise dialect.no_such_model(name)
        return name

    def _resolved(
        self, data: dict[str, Any], request: Request, owner: str, model: str
    ) -> dict[str, Any]:
        """The body with the bytes of temporary files in the place of their names."""
        source = data.get("input")
        if not isinstance(source, dict):
            return data
        source = dict(source)
        for name in dialect.FRAMES:
            url = source.get(name)
            if not isinstance(url, str) or not url.startswith("oss://"):
                continue
            allowed = request.headers.get("X-DashScope-OssResourceResolve") == "enable"
            found = self._uploads.read(owner, model, url) if allowed else None
            if found is None:
                raise dialect.refused("InvalidParameter.DataInspection", UNREADABLE)
            source[name] = found
        return {**data, "input": source}

    # Tasks

    def _get(self, _request: Request, owner: str, request_id: str, task_id: str) -> Response:
        return _json(self._tasks.get(owner, task_id, request_id), content_type=TASK_TYPE)

    def _list(self, request: Request, owner: str, request_id: str) -> Response:
        return _json(self._tasks.list(owner, request.args, request_id), content_type=TASK_TYPE)

    def _cancel(self, _request: Request, owner: str, request_id: str, task_id: str) -> Response:
        return _json(self._tasks.cancel(owner, task_id, request_id), content_type=TASK_TYPE)

    # Uploads

    def _policy(self, request: Request, owner: str, request_id: str) -> Response:
        if request.args.get("action") != "getPolicy":
            raise dialect.missing("action")
        model = self._model(request.args.get("model"))
        check_uploads(self._context, owner)
        host = f"{address.base(request)}{BASE}/uploads"
        data = self._uploads.policy(owner, model, request_id, host)
        return _json({"request_id": request_id, "data": data})

    def _upload(self, request: Request) -> Response:
        return self._uploads.receive(request, self._context.body_memory)


def _refusal(error: ApiError, request_id: str) -> Response:
    status, data = dialect.fail(error, request_id)
    response = _json(data, status)
    response.headers.update(error.headers)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _json(data: Any, status: int = 200, content_type: str = "application/json") -> Response:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, {"Cache-Control": "no-store"}, content_type=content_type)
