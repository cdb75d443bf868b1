"""An owner's jobs, newest first: live and finished merged, no gaps and no doubles while they move.

`pending/` is read before `jobs/`, and `jobs/` wins. The names alone give the order and the page;
bodies are read for the jobs on the page only. A record that cannot be read is left out of the list,
and named in the log.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.state.jobs import DELETED
from lib.core.ids import made_at
from lib.core.jobs.job import STATUS_OF, Stage, Status
from lib.core.outside.records import RecordUnreadable
from lib.core.times import DAY_S
from lib.flows.read import find

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lib.core.jobs.job import Job
    from lib.flows.context import Context

# A refused key keeps its id for a day and may be sent again: its job is then younger than its id.
YOUNGER_AT_MOST_S = DAY_S + 3600
ENDED = frozenset(str(status) for status in Status if status.terminal)


@dataclass(frozen=True)
class JobPage:
    """A part of the list.

    Attributes:
        jobs: in the order asked for.
        has_more: whether more follow.
    """

    jobs: tuple[Job, ...]
    has_more: bool


def page(
    context: Context,
    owner: str,
    *,
    after: str = "",
    limit: int = 20,
    statuses: Collection[Status] = (),
    ascending: bool = False,
) -> JobPage:
    """One page of an owner's jobs.

    Args:
        context: what the flows work with.
        owner: whose.
        after: the id that came last on the page before; any id will do, also of a deleted job.
        limit: how many at most.
        statuses: only these; empty for all.
        ascending: oldest first.

    Raises:
        ApiError: the bucket does not answer.
    """
    jobs: list[Job] = []
    for job_id in _ids(context, owner, after, statuses, ascending=ascending):
        job = _legible(context, owner, job_id)
        # It may have been deleted, or have moved on, since it was listed.
        if job is None or (statuses and job.status not in statuses):
            continue
        if len(jobs) == limit:
            return JobPage(tuple(jobs), has_more=True)
        jobs.append(job)
    return JobPage(tuple(jobs), has_more=False)


def recent(context: Context, owner: str, age_s: float = DAY_S) -> list[Job]:
    """Every job made within the last `age_s` seconds, newest first.

    Raises:
        ApiError: the bucket does not answer.
    """
    found: list[Job] = []
    for job_id in _ids(context, owner, "", ()):
        # What is no id of ours hides nothing behind it.
        if (at := made_at(job_id)) is not None and at < context.now() - age_s - YOUNGER_AT_MOST_S:
            break
        job = _legible(context, owner, job_id)
        if job is not None and job.intent.created_at >= context.now() - age_s:
            found.append(job)
    return found


def _legible(context: Context, owner: str, job_id: str) -> Job | None:
    try:
        return find(context, owner, job_id)
    except RecordUnreadable as odd:
        logs.event("object.unreadable", object=odd.name, reason=odd.why)
        return None


def _ids(
    context: Context,
    owner: str,
    after: str,
    statuses: Collection[Status],
    *,
    ascending: bool = False,
) -> Iterator[str]:
    """Ids in order, each once; filtered as far as names and metadata can tell."""
    start = "" if ascending else after
    live = [
        (held.id, str(STATUS_OF[held.state.stage]))
        for held in context.jobs.pending(f"{owner}/")
        if held.id >= start and held.state.stage is not Stage.DELETING
    ]
    rows = heapq.merge(live, context.jobs.endings(owner, start), key=lambda row: row[0])
    last = after
    for job_id, status in reversed(list(rows)) if ascending else rows:
        if job_id == last or (ascending and after and job_id > after) or status == DELETED:
            continue
        # A live job may have ended since, and a record may not say its status in its metadata: then
        # its body decides.
        if statuses and status not in statuses and status in ENDED:
            continue
        last = job_id
        yield job_id
