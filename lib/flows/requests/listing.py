"""An owner's jobs, newest first: live and finished merged, no gaps and no doubles while they move.

`pending/` is listed before `jobs/`, and `jobs/` wins. The names alone give the order and the page;
bodies are read for the jobs on the page only, several at once. A record that cannot be read is left
out of the list, and named in the log.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice, takewhile
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.state.jobs import DELETED, Tombstone
from lib.core.ids import made_at
from lib.core.jobs.job import STATUS_OF, Stage, Status
from lib.core.outside.records import RecordUnreadable
from lib.core.times import DAY_S

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

# A refused key keeps its id for a day and may be sent again: its job is then younger than its id.
YOUNGER_AT_MOST_S = DAY_S + 3600
BODIES_AT_ONCE = 8  # the storage client keeps ten connections
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
    rows = _rows(context, owner, after, statuses, ascending=ascending)
    # Between the list and its body a job may have been deleted, or have moved on.
    for job in _loaded(context, owner, rows, limit + 1):
        if statuses and job.status not in statuses:
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
    oldest = context.now() - age_s
    rows = takewhile(
        # What is no id of ours hides nothing behind it.
        lambda row: (at := made_at(row.id)) is None or at >= oldest - YOUNGER_AT_MOST_S,
        _rows(context, owner, "", ()),
    )
    found = _loaded(context, owner, rows)
    return [job for job in found if job.intent.created_at >= oldest]


@dataclass(frozen=True)
class _Row:
    """What a list says of a job: the name and, of a live one, the state."""

    id: str
    status: str
    held: Held | None = None


def _loaded(context: Context, owner: str, rows: Iterator[_Row], wanted: int = 0) -> Iterator[Job]:
    """The jobs of these rows in their order, several bodies at once, `wanted` first at most."""
    while True:
        size = wanted if 0 < wanted < BODIES_AT_ONCE else BODIES_AT_ONCE
        calls = [partial(_legible, context, owner, row) for row in islice(rows, size)]
        if not calls:
            return
        for job in context.together(calls):
            if job is not None:
                wanted -= 1
                yield job


def _legible(context: Context, owner: str, row: _Row) -> Job | None:
    try:
        return context.jobs.listed(row.held) if row.held else context.jobs.finished(owner, row.id)
    except Tombstone:
        return None
    except RecordUnreadable as odd:
        logs.event("object.unreadable", object=odd.name, reason=odd.why)
        return None


def _rows(
    context: Context,
    owner: str,
    after: str,
    statuses: Collection[Status],
    *,
    ascending: bool = False,
) -> Iterator[_Row]:
    """Rows in order, each id once; filtered as far as names and metadata can tell."""
    start = "" if ascending else after
    live = [
        _Row(held.id, str(STATUS_OF[held.state.stage]), held)
        for held in context.jobs.pending(f"{owner}/")
        if held.id >= start and held.state.stage is not Stage.DELETING
    ]
    ended = (_Row(*row) for row in context.jobs.endings(owner, start))
    merged = _once(heapq.merge(live, ended, key=lambda row: row.id))
    for row in reversed(list(merged)) if ascending else merged:
        if after and (row.id >= after if ascending else row.id <= after):
            continue
        # A record may not say its status in its metadata: then its body decides.
        known = row.held is not None or row.status in ENDED
        if row.status == DELETED or (statuses and known and row.status not in statuses):
            continue
        yield row


def _once(rows: Iterator[_Row]) -> Iterator[_Row]:
    """The last row of each id: that of `jobs/`, where a job is on both lists."""
    for _, same in groupby(rows, key=lambda row: row.id):
        *_, last = same
        yield last
