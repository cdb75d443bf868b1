"""What a reader gets: the job as it stands in the bucket, or nothing at all.

Somebody else's job and a deleted one look the same as one that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.jobs import Tombstone

if TYPE_CHECKING:
    from lib.core.job import Job
    from lib.flows.kit import Kit


def find(kit: Kit, owner: str, job_id: str) -> Job | None:
    """The owner's job of that id, None when there is none.

    Raises:
        ApiError: the bucket does not answer.
    """
    if not valid_id(job_id):
        return None
    try:
        return kit.jobs.find(owner, job_id)
    except Tombstone:
        return None


def valid_id(job_id: str) -> bool:
    """Whether a text can be an id of ours; nothing else may become part of an object name."""
    head, _, rest = job_id.partition("_")
    return head == "vid" and len(rest) == 27 and rest.isascii() and rest.isalnum()  # noqa: PLR2004
