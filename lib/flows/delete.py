"""The owner's delete: tombstone first, then everything that could be seen or paid for.

A tombstone keeps a replayed key, a late finisher and an overlapping tick from bringing the job
back; a slip under `pending/` lets the next tick go on where a DELETE died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.jobs import Tombstone
from lib.core.errors import CONFLICT, NOT_FOUND, ApiError
from lib.core.job import Stage, State
from lib.flows.finish import bury
from lib.flows.read import valid_id

if TYPE_CHECKING:
    from lib.adapters.jobs import Held
    from lib.core.job import Job
    from lib.flows.kit import Kit

SLIP_LIFE_S = 600.0  # longer than any DELETE can take between its slip and its tombstone


def delete(kit: Kit, owner: str, job_id: str) -> None:
    """Delete a job that has ended, with its video, frames and record; safe to repeat.

    Raises:
        ApiError: no such job (404), it lives (409), the bucket does not answer (503).
    """
    try:
        job = kit.jobs.find(owner, job_id) if valid_id(job_id) else None
    except Tombstone:
        _clear(kit, owner, job_id, None)
        return
    if job is None:
        raise ApiError(NOT_FOUND, "There is no video of this id. Ids look like vid_....")
    if not job.verdict:
        raise ApiError(
            CONFLICT,
            f"The job is {job.status} ({job.stage}); only a job that has ended can be deleted. "
            f"Cancel it first: POST /v1/videos/{job_id}/cancel.",
        )
    slip = _slip(kit, job)
    kit.jobs.bury(owner, job_id, kit.now())
    _clear(kit, owner, job_id, slip)
    logs.event("job.deleted", job=job_id)


def _slip(kit: Kit, job: Job) -> Held | None:
    state = State(Stage.DELETING, kit.token(), kit.now(), account=job.intent.account)
    return kit.jobs.create(job.intent, state)


def _clear(kit: Kit, owner: str, job_id: str, slip: Held | None) -> None:
    # A pending object of another hand stays for the tick that holds it: it will meet the tombstone.
    if held := slip or kit.jobs.live(owner, job_id):
        bury(kit, held)
        return
    kit.artifacts.remove_video(owner, job_id)
    kit.artifacts.remove_frames(owner, job_id)


def tidy(kit: Kit, held: Held) -> str | None:
    """A tick meets the slip of a DELETE that is under way or died."""
    try:
        kit.jobs.finished(held.owner, held.id)
    except Tombstone:
        bury(kit, held)
        return "deleted"
    if kit.now() - held.state.since > SLIP_LIFE_S:
        kit.jobs.drop(held)
        return "tidied"
    return None
