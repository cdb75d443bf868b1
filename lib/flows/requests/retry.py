"""A job that did not end well, made anew from what the bucket still has of it.

The new job has the old one's request and frames and an id of its own. However often a retry of one
job is asked for, there is one new job, unless the caller's own Idempotency-Key says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.errors import CONFLICT, GONE, SUBMIT_UNKNOWN, ApiError, no_such_video
from lib.core.jobs.job import Status
from lib.core.request import VideoRequest
from lib.flows.read import find
from lib.flows.requests.submit import submit

if TYPE_CHECKING:
    from lib.core.jobs.job import FrameRef, Job
    from lib.flows.context import Context
    from lib.flows.requests.submit import Submission

AGAIN = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED})


def retry(
    context: Context,
    owner: str,
    job_id: str,
    key: str | None = None,
    *,
    may_pay_twice: bool = False,
) -> Submission:
    """Make a new job from one that failed, expired or was cancelled.

    Args:
        context: what the flows work with.
        owner: who asks.
        job_id: of the old job.
        key: the caller's Idempotency-Key; without one the old id is the key.
        may_pay_twice: the owner knows that the old job may have a task that is billed.

    Raises:
        ApiError: no such job (404), it lives or has its film or may still be billed (409), its
            frames are gone (410), or what `submit` refuses.
    """
    job = find(context, owner, job_id)
    if job is None:
        raise no_such_video()
    _check(job, may_pay_twice=may_pay_twice)
    frames = {"first_frame": _stored(context, job.intent.first)}
    if job.intent.last is not None:
        frames["last_frame"] = _stored(context, job.intent.last)
    order = VideoRequest.parse({**job.intent.request.to_json(), **frames})
    return submit(context, owner, order, key or f"retry:{job_id}")


def _check(job: Job, *, may_pay_twice: bool) -> None:
    if not job.status.terminal:
        raise ApiError(
            CONFLICT, f"The job is {job.status} ({job.stage}); it goes on by itself. Wait for it."
        )
    if job.status not in AGAIN:
        raise ApiError(
            CONFLICT,
            f"The job is {job.status}; only a failed, expired or cancelled one is made again. For "
            "another film of the same frames: POST /v1/videos.",
        )
    failure = job.verdict.failure if job.verdict else None
    if failure and failure.kind is SUBMIT_UNKNOWN and not may_pay_twice:
        raise ApiError(
            CONFLICT,
            "Nobody knows whether the upstream made, and bills, a task for this job. Look at the "
            'task list of the Model Studio console; then send {"accept_double_payment": true}.',
            "accept_double_payment",
        )


def _stored(context: Context, frame: FrameRef) -> bytes:
    data = context.artifacts.frame(frame)
    if data is None:
        raise ApiError(
            GONE, "The frames of this job are no longer kept. Send them again: POST /v1/videos."
        )
    return data
