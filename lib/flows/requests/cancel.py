"""The owner's cancel: at once for what waits here, by the upstream's word for what runs there.

Nothing is called cancelled that may still be billed: a send or a copy on its way is not touched,
and a running task is cancelled only when the upstream says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import (
    CONFLICT,
    NOT_CONFIGURED,
    NOT_READY,
    UPSTREAM_UNAVAILABLE,
    ApiError,
    no_such_video,
)
from lib.core.jobs.job import Job, Stage, Status, Verdict
from lib.core.upstream.outcomes import UNSUPPORTED, QueryFailed, Report, TaskStatus
from lib.flows.read import find
from lib.flows.tasks.account import upstream_of
from lib.flows.tasks.finish import finish

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.flows.context import Context

RETRY_S = {Stage.SENDING: 5, Stage.UNSURE: 60, Stage.COPYING: 10}
AT_WORK = frozenset({TaskStatus.RUNNING, TaskStatus.SUCCEEDED, TaskStatus.FAILED})
BUSY = {
    Stage.SENDING: "The job is being sent upstream this moment; ask again shortly.",
    Stage.UNSURE: "No answer to the submit is known, so nobody knows yet whether a task exists; "
    "ask again when that is settled.",
    Stage.COPYING: "The film is made and paid for, and is being copied to the bucket.",
}


def cancel(context: Context, owner: str, job_id: str) -> Job:
    """Cancel a job that is queued here or still PENDING upstream.

    Args:
        context: what the flows work with.
        owner: who asks.
        job_id: which job.

    Returns:
        The job as it is now; a job that was cancelled before is returned as it is.

    Raises:
        ApiError: no such job (404), it has ended or can no longer be stopped (409), the upstream
            or the bucket does not answer (503).
    """
    while True:
        job = find(context, owner, job_id)
        if job is None:
            raise no_such_video()
        if job.status is Status.CANCELLED:
            return job
        if job.status.terminal:
            raise ApiError(CONFLICT, f"The job has ended as {job.status}; nothing can be stopped.")
        held = context.jobs.live(owner, job_id)
        if held is None:
            continue  # it ended between the two reads
        if held.state.stage is Stage.QUEUED:
            state = held.state.to(Stage.CANCELLED, by=context.token(), now=context.now(), reason="")
            if taken := context.jobs.patch(held, state):
                return _end(context, taken, job)
        elif held.state.stage is Stage.RUNNING:
            return _stop(context, held, job)
        elif held.state.stage in BUSY:
            retry_s = RETRY_S[held.state.stage]
            raise ApiError(NOT_READY, BUSY[held.state.stage], retry_after_s=retry_s)


def _stop(context: Context, held: Held, job: Job) -> Job:
    """Cancel upstream, and believe only what the task's own record says afterwards.

    An answer to a cancel that was lost, or that promised too much, must not end a job whose film
    may still be made and paid: unless the record says CANCELED the job lives on, and a tick sees
    what became of it.
    """
    upstream = upstream_of(context, held.state)
    if upstream is None:
        raise ApiError(
            NOT_CONFIGURED,
            f"The service's settings no longer hold the upstream account {held.state.account!r}, "
            "where the task runs, so that nobody can ask it. Its operator can put it back.",
        )
    answer = upstream.cancel(held.state.task_id)
    if answer is False:
        raise _too_late()
    seen = upstream.get(held.state.task_id)
    status = seen.status if isinstance(seen, Report) else None
    if status is TaskStatus.CANCELED:
        return _end(context, held, job)
    if status in AT_WORK:
        raise _too_late()
    failed = next((one for one in (answer, seen) if isinstance(one, QueryFailed)), None)
    raise ApiError(
        UPSTREAM_UNAVAILABLE,
        "The upstream did not confirm the cancel; it may have taken effect. Look at the job, or "
        "cancel again.",
        upstream_code=(failed.code or None) if failed else None,
        retry_after_s=5,
    )


def _too_late() -> ApiError:
    return ApiError(
        CONFLICT,
        "The upstream works on the film already (or has ended it); only a task that still waits "
        "there can be cancelled. The job goes on.",
        upstream_code=UNSUPPORTED,
    )


def _end(context: Context, held: Held, job: Job) -> Job:
    verdict = Verdict(
        Status.CANCELLED,
        context.now(),
        task_id=held.state.task_id,
        upstream_request_id=held.state.upstream_request_id,
        paid=False,
    )
    logs.event("job.cancelled", job=held.id)
    try:
        stands = finish(context, held, job.intent, verdict)
    except ApiError:
        # The word is given; a tick writes it down.
        logs.event("cancel.interrupted", job=held.id)
        stands = verdict
    return Job(job.intent, verdict=stands or verdict)
