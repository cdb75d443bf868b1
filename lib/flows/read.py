"""What a reader gets: the job as it stands in the bucket, or nothing at all.

Another owner's job and a deleted one look the same as one that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.state.jobs import Tombstone
from lib.core.ids import valid_id

if TYPE_CHECKING:
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

__all__ = ["find", "valid_id"]


def find(context: Context, owner: str, job_id: str) -> Job | None:
    """The owner's job of that id, None when there is none.

    Raises:
        RecordUnreadable: it is there, and this revision cannot read it.
        ApiError: the bucket does not answer.
    """
    if not valid_id(job_id):
        return None
    try:
        return context.jobs.find(owner, job_id)
    except Tombstone:
        return None
