"""The owner's delete: tombstone first, then everything that could be seen or paid for.

A tombstone keeps a replayed key, a late finisher and an overlapping tick from bringing the job
back; a slip under `pending/` lets the next tick go on where a DELETE died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.jobs import Tombstone
from lib.core.errors import CONFLICT, NOT_FOUND, ApiError
from lib.core.ids import valid_id
from lib.core.job import Stage, State
from lib.core.stored import RecordUnreadable
from lib.flows.finish import bury

if TYPE_CHECKING:
    from lib.adapters.jobs import Held
    from lib.core.job import Job
    from lib.flows.kit import Kit

SLIP_LIFE_S = 900.0  # longer than any process of ours lives: the functions' timeouts are shorter


def delete(kit: Kit, owner: str, job_id: str) -> None:
    """Delete a job that has ended, with video, frames, record and webhook; safe to repeat.

    Raises:
        ApiError: no such job (404), it lives (409), the bucket does not answer (503).
    """
    try:
        job = kit.jobs.find(owner, job_id) if valid_id(job_id) else None
    except Tombstone:
        _clear(kit, owner, job_id)
        return
    if job is None:
        raise ApiError(NOT_FOUND, "There is no video of this id. Ids look like vid_....")
    if not job.verdict:
        raise ApiError(
            CONFLICT,
            f"The job is {job.status} ({job.stage}); only a job that has ended can be deleted. "
            f"Cancel it first: POST /v1/videos/{job_id}/cancel.",
        )
    _slip(kit, job)
    kit.jobs.bury(owner, job_id, kit.now())
    _clear(kit, owner, job_id)
    if (held := _left(kit, owner, job_id)) and held.state.stage is not Stage.DELETING:
        # What a finisher left: its next look meets the tombstone; the slip takes its place.
        kit.jobs.drop(held)
        _slip(kit, job)
    logs.event("job.deleted", job=job_id)


def _left(kit: Kit, owner: str, job_id: str) -> Held | None:
    try:
        return kit.jobs.live(owner, job_id)
    except RecordUnreadable as odd:
        # Whoever can read it meets the tombstone.
        logs.event("object.unreadable", object=odd.name, reason=odd.why)
        return None


def _slip(kit: Kit, job: Job) -> None:
    state = State(Stage.DELETING, kit.token(), kit.now(), account=job.intent.account)
    kit.jobs.create(job.intent, state)


def _clear(kit: Kit, owner: str, job_id: str) -> None:
    kit.artifacts.remove_video(owner, job_id)
    kit.artifacts.remove_frames(owner, job_id)
    kit.outbox.remove(owner, job_id)


def tidy(kit: Kit, held: Held) -> str | None:
    """A tick meets the slip of a DELETE: clears once more, and again when nobody can be late.

    A copier that stands still before its last write may store its film after the DELETE; it is gone
    for good when its function has timed out.
    """
    old = kit.now() - held.state.since > SLIP_LIFE_S
    if held.state.tries and not old:
        return None
    try:
        kit.jobs.finished(held.owner, held.id)
    except Tombstone:
        if kit.jobs.intent(held) is None:
            return None
        if old:
            bury(kit, held)
            return "deleted"
        _clear(kit, held.owner, held.id)
        state = held.state.to(Stage.DELETING, by=kit.token(), now=held.state.since, tries=1)
        kit.jobs.patch(held, state)
        return "cleared"
    if old:
        kit.jobs.drop(held)
        return "tidied"
    return None
