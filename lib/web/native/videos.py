"""The calls on videos: make one, look at it, list, cancel, delete, make it again, go to its file.

Thin: parse, call the flow, show. Everything that can be refused is refused by the layers below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.core.errors import (
    GONE,
    NOT_FOUND,
    NOT_READY,
    ApiError,
    invalid,
    no_such_video,
    out_of_bounds,
)
from lib.core.jobs.job import Status
from lib.core.outside.numbers import digits
from lib.flows.read import find
from lib.flows.requests.cancel import cancel
from lib.flows.requests.delete import delete
from lib.flows.requests.implicit_key import Repeats
from lib.flows.requests.listing import page
from lib.flows.requests.preview import preview
from lib.flows.requests.refresh import refresh
from lib.flows.requests.retry import retry
from lib.flows.requests.submit import submit, submit_keyless
from lib.web import body
from lib.web.answer import as_json
from lib.web.answered import note_answer
from lib.web.idempotency import idempotency_key
from lib.web.native import dialect, query
from lib.web.native.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from werkzeug.wrappers import Request

    from lib.core.jobs.job import Job
    from lib.flows.context import Context
    from lib.flows.requests.submit import Submission

POLL_AFTER_S = 2
POLL_QUEUED_S = 5
VARIANTS = ("video", "first_frame", "last_frame")
SOON = {"openai-poll-after-ms": str(POLL_AFTER_S * 1000)}
DOUBLE = "accept_double_payment"
TRIES_AT_MOST = 999  # no client tries a thousand times
UNSIGNED = (
    "The film is kept, but the service cannot sign a link to it at the moment; ask again in a "
    "moment for its url."
)


class Videos:
    """Handlers under `/v1/videos`.

    Args:
        context: what the flows work with.
        max_body_bytes: the largest request.
        implicit_s: for how long a client's own re-send counts as the same create, seconds.
    """

    def __init__(self, context: Context, max_body_bytes: int, implicit_s: float) -> None:
        self._context, self._limit, self._implicit_s = context, max_body_bytes, implicit_s
        self._waiting = Waiting(context)

    def create(self, request: Request, owner: str) -> Response:
        """`POST /v1/videos`."""
        key = idempotency_key(request)
        fields = body.read(request, self._limit)
        order = dialect.parse(fields, form=request.mimetype == body.FORM)
        if order.validate_only:
            seen = preview(self._context, owner, order)
            return as_json(dialect.validation(order, seen), 200, dict(seen.limits))
        if key:
            return self._made(submit(self._context, owner, order, key))
        made = submit_keyless(self._context, owner, order, self._repeats(request))
        return note_answer(self._context, request, made, self._made(made))

    def _repeats(self, request: Request) -> Repeats | None:
        """What a client sends that numbers its tries, as the SDKs made by Stainless do."""
        tries = digits(request.headers.get("x-stainless-retry-count"), TRIES_AT_MOST)
        return None if tries is None else Repeats(self._implicit_s, tries)

    def _made(self, made: Submission) -> Response:
        headers = {
            "Location": f"/v1/videos/{made.job.intent.id}",
            "Retry-After": str(POLL_QUEUED_S),
            **SOON,
            **made.limits,
        }
        if made.replayed:
            headers["Idempotent-Replayed"] = "true"
        return self._show(made.job, 202, headers)

    def list(self, request: Request, owner: str) -> Response:
        """`GET /v1/videos`."""
        asked = query.listing(request.args)
        found = page(
            self._context,
            owner,
            after=asked.after,
            limit=asked.limit,
            statuses=asked.statuses,
            ascending=asked.ascending,
        )
        data = [*self._documents(found.jobs)]
        rows = {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": found.has_more,
        }
        return as_json(rows, headers={"Cache-Control": "no-store"})

    def get(self, request: Request, owner: str, job_id: str) -> Response:
        """`GET /v1/videos/{id}`."""
        job = refresh(self._context, self._found(owner, job_id))
        wait_s = query.wait_s(request.headers.get("Prefer", ""))
        headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if wait_s and (waited := self._waiting.wait(job, wait_s)):
            job = waited
            headers["Preference-Applied"] = f"wait={wait_s}"
        if not job.status.terminal:
            headers |= SOON
        response = self._show(job, 200, headers)
        response.add_etag()
        return response.make_conditional(request)

    def retry(self, request: Request, owner: str, job_id: str) -> Response:
        """`POST /v1/videos/{id}/retry`."""
        key = idempotency_key(request)
        fields = body.read(request, self._limit) if request.content_length else {}
        agreed = fields.pop(DOUBLE, False)
        if fields or not isinstance(agreed, bool):
            raise invalid(
                next(iter(fields), DOUBLE)[:64],
                f"{DOUBLE} (true or false) is all that a retry takes; the rest is the old job's.",
            )
        return self._made(retry(self._context, owner, job_id, key, may_pay_twice=agreed))

    def cancel(self, _request: Request, owner: str, job_id: str) -> Response:
        """`POST /v1/videos/{id}/cancel`."""
        job = cancel(self._context, owner, job_id)
        return self._show(job, 200, {})

    def delete(self, _request: Request, owner: str, job_id: str) -> Response:
        """`DELETE /v1/videos/{id}`."""
        delete(self._context, owner, job_id)
        return as_json({"id": job_id, "object": "video.deleted", "deleted": True})

    def content(self, request: Request, owner: str, job_id: str) -> Response:
        """`GET /v1/videos/{id}/content`: a redirect to a fresh link."""
        variant = request.args.get("variant", "video")
        if variant not in VARIANTS:
            raise out_of_bounds("variant", variant, ", ".join(VARIANTS))
        job = self._found(owner, job_id)
        name = self._object(job, variant)
        url = self._context.artifacts.link(name).url
        return Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})

    def _object(self, job: Job, variant: str) -> str:
        if variant == "first_frame":
            return job.intent.first.object
        if variant == "last_frame":
            if job.intent.last is None:
                raise ApiError(NOT_FOUND, "This job has no last frame: it was made by a template.")
            return job.intent.last.object
        if job.verdict and job.verdict.video:
            return job.verdict.video.object
        if job.status.terminal:
            raise ApiError(GONE, f"The job ended as {job.status}; there is no video.")
        raise ApiError(
            NOT_READY,
            f"The video is not ready: the job is {job.status} ({job.stage}). Ask again later.",
            retry_after_s=POLL_QUEUED_S,
        )

    def _found(self, owner: str, job_id: str) -> Job:
        job = find(self._context, owner, job_id)
        if job is None:
            raise no_such_video()
        return job

    def _show(self, job: Job, status: int, headers: dict[str, str]) -> Response:
        return as_json(self._document(job), status, {"Cache-Control": "no-store", **headers})

    def _document(self, job: Job) -> dict[str, Any]:
        return next(self._documents([job]))

    def _documents(self, jobs: Iterable[Job]) -> Iterator[dict[str, Any]]:
        """Jobs with their links; without, and with a sentence, while nobody signs any."""
        signing = True
        for job in jobs:
            video = job.verdict.video if job.verdict and job.status is Status.COMPLETED else None
            link = None
            try:
                if video and signing:
                    link = self._context.artifacts.steady_link(video.object)
            except ApiError:
                signing = False  # a page does not wait for each of its rows
            document = dialect.show(job, link, self._context.now())
            if video and link is None:
                document["warnings"].append(UNSIGNED)
            yield document
