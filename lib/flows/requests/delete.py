"""The owner's delete: tombstone first, then everything that could be seen or paid for.

A tombstone keeps a replayed key, a late finisher and an overlapping tick from bringing the job
back; a marker under `pending/` lets the next tick go on where a DELETE died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.state.jobs import Tombstone
from lib.core.errors import CONFLICT, ApiError, no_such_video
from lib.core.ids import valid_id
from lib.core.jobs.job import Stage, State
from lib.core.outside.records import RecordUnreadable
from lib.flows.tasks.cleanup import clear

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Job
    from lib.flows.context import Context


def delete(context: Context, owner: str, job_id: str) -> None:
    """Delete a job that has ended, with video, frames, record and webhook; safe to repeat.

    Raises:
        ApiError: no such job (404), it lives (409), the bucket does not answer (503).
    """
    try:
        job = context.jobs.find(owner, job_id) if valid_id(job_id) else None
    except Tombstone:
        clear(context, owner, job_id)
        return
    if job is None:
        raise no_such_video()
    if not job.verdict:
        raise ApiError(
            CONFLICT,
            f"The job is {job.status} ({job.stage}); only a job that has ended can be deleted. "
            f"Cancel it first: POST /v1/videos/{job_id}/cancel.",
        )
    _write_cleanup_marker(context, job)
    context.jobs.purge(owner, job_id, context.now())
    clear(context, owner, job_id)
    if (held := _left(context, owner, job_id)) and held.state.stage is not Stage.DELETING:
        # What a finisher left: its next look meets the tombstone; the marker takes its place.
        context.jobs.drop(held)
        _write_cleanup_marker(context, job)
    logs.event("job.deleted", job=job_id)


def _left(context: Context, owner: str, job_id: str) -> Held | None:
    try:
        return context.jobs.live(owner, job_id)
    except RecordUnreadable as odd:
        # Whoever can read it meets the tombstone.
        logs.event("object.unreadable", object=odd.name, reason=odd.why)
        return None


def _write_cleanup_marker(context: Context, job: Job) -> None:
    state = State(Stage.DELETING, context.token(), context.now(), account=job.intent.account)
    context.jobs.create(job.intent, state)
