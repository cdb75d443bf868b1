"""The calls on videos: make one, look at it, go to its file.

Thin: parse, call the flow, show. Everything that can be refused is refused by the rings below.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.core import catalogue
from lib.core.errors import GONE, NOT_FOUND, NOT_READY, ApiError, invalid
from lib.core.job import Status
from lib.flows.cancel import cancel
from lib.flows.delete import delete
from lib.flows.read import find
from lib.flows.refresh import refresh
from lib.flows.submit import submit
from lib.web import body, native

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from lib.core.job import Job
    from lib.flows.kit import Kit

POLL_AFTER_S = 2
POLL_QUEUED_S = 5
KEY_AT_MOST = 255
VARIANTS = ("video", "first_frame", "last_frame")


class Videos:
    """Handlers under `/v1/videos`.

    Args:
        kit: the hands of the flows.
        max_body_bytes: the largest request.
    """

    def __init__(self, kit: Kit, max_body_bytes: int) -> None:
        self._kit, self._limit = kit, max_body_bytes

    def create(self, request: Request, owner: str) -> Response:
        """`POST /v1/videos`."""
        key = idempotency_key(request)
        fields = body.read(request, self._limit)
        order = native.parse(fields, form=request.mimetype == body.FORM)
        made = submit(self._kit, owner, order, key)
        headers = {
            "Location": f"/v1/videos/{made.job.intent.id}",
            "Retry-After": str(POLL_QUEUED_S),
            "openai-poll-after-ms": str(POLL_AFTER_S * 1000),
            **made.limits,
        }
        if made.replayed:
            headers["Idempotent-Replayed"] = "true"
        return self._show(made.job, 202, headers)

    def get(self, _request: Request, owner: str, job_id: str) -> Response:
        """`GET /v1/videos/{id}`."""
        job = refresh(self._kit, self._found(owner, job_id))
        headers = {} if job.status.terminal else {"openai-poll-after-ms": str(POLL_AFTER_S * 1000)}
        return self._show(job, 200, headers)

    def cancel(self, _request: Request, owner: str, job_id: str) -> Response:
        """`POST /v1/videos/{id}/cancel`."""
        return self._show(cancel(self._kit, owner, job_id), 200, {})

    def delete(self, _request: Request, owner: str, job_id: str) -> Response:
        """`DELETE /v1/videos/{id}`."""
        delete(self._kit, owner, job_id)
        return as_json({"id": job_id, "object": "video.deleted", "deleted": True})

    def content(self, request: Request, owner: str, job_id: str) -> Response:
        """`GET /v1/videos/{id}/content`: a redirect to a fresh link."""
        variant = request.args.get("variant", "video")
        if variant not in VARIANTS:
            raise invalid("variant", f"variant: allowed: {', '.join(VARIANTS)}.")
        job = self._found(owner, job_id)
        name = self._object(job, variant)
        url = self._kit.artifacts.link(name).url
        return Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})

    def _object(self, job: Job, variant: str) -> str:
        if variant == "first_frame":
            return job.intent.first.object
        if variant == "last_frame":
            if job.intent.last is None:
                raise ApiError(NOT_FOUND, "This job has no last frame: it was made by a template.")
            return job.intent.last.object
        if job.verdict and job.verdict.video:
            return str(job.verdict.video["object"])
        if job.status.terminal:
            raise ApiError(GONE, f"The job ended as {job.status}; there is no video.")
        raise ApiError(
            NOT_READY,
            f"The video is not ready: the job is {job.status} ({job.stage}). Ask again later.",
            retry_after_s=POLL_QUEUED_S,
        )

    def _found(self, owner: str, job_id: str) -> Job:
        job = find(self._kit, owner, job_id)
        if job is None:
            raise ApiError(NOT_FOUND, "There is no video of this id. Ids look like vid_....")
        return job

    def _show(self, job: Job, status: int, headers: dict[str, str]) -> Response:
        link = None
        if job.status is Status.COMPLETED and job.verdict and job.verdict.video:
            link = self._kit.artifacts.link(str(job.verdict.video["object"]))
        data = native.show(job, link, self._kit.now())
        return as_json(data, status, {"Cache-Control": "no-store", **headers})

    def models(self, _request: Request, _owner: str) -> Response:
        """`GET /v1/models`: what can be asked for here, and what it costs."""
        regions = dict.fromkeys(upstream.region for upstream in self._kit.upstreams.values())
        rows = [_model(model) for region in regions for model in catalogue.models(region)]
        return as_json({"object": "list", "data": rows})


def _model(model: catalogue.Model) -> dict[str, Any]:
    def price(tier: str) -> dict[str, str] | None:
        found = model.price_per_s[tier]
        if found is None:
            return None
        return {"amount": str(found.amount * catalogue.SECONDS), "currency": found.currency}

    return {
        "id": model.name,
        "object": "model",
        "owned_by": "alibaba",
        "region": model.region,
        "seconds": catalogue.SECONDS,
        "fps": catalogue.FPS,
        "resolutions": [
            {
                "name": tier,
                "max_pixels": catalogue.AREAS[tier],
                "typical_seconds": model.typical_s[tier],
                "price_per_video": price(tier),
            }
            for tier in model.resolutions
        ],
    }


def idempotency_key(request: Request) -> str | None:
    """The caller's Idempotency-Key.

    Raises:
        ApiError: it is empty, too long, or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_AT_MOST or not key.isascii() or not key.isprintable():
        raise invalid(
            "Idempotency-Key",
            f"Idempotency-Key: got {len(key)} characters; allowed: 1 to {KEY_AT_MOST} printable "
            "ASCII characters.",
        )
    return key


def as_json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    text = json.dumps(data, ensure_ascii=False)
    return Response(text, status, headers or {}, content_type="application/json")
