"""Looking at tasks in the service's way: query one, list many, cancel one that still waits.

An owner's jobs are the account's tasks. Unlike the service's records they do not die after a day:
a query still answers, with a fresh link, and a window of the list may lie in the past. Source:
Alibaba Cloud Model Studio, "Asynchronous task management".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lib.core.errors import CONFLICT, NOT_FOUND, NOT_READY, ApiError
from lib.core.jobs.job import Status
from lib.core.outside.numbers import digits
from lib.core.times import DAY_S
from lib.flows.read import find
from lib.flows.requests.cancel import cancel
from lib.flows.requests.listing import recent
from lib.flows.requests.refresh import refresh
from lib.web.compat import dialect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lib.adapters.files.artifacts import Link
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

PAGE, PAGE_AT_MOST = 10, 100
WHOLE_AT_MOST = 999_999_999  # more than any page
OFFSET = "+0800"  # the service's times carry no zone; they are UTC+8
NOT_PENDING = "Failed to cancel the task, please confirm if the task is in PENDING status."


@dataclass(frozen=True)
class TaskListQuery:
    """Which part of the list is wanted: creation times in Unix seconds, page and its size."""

    start: float
    end: float
    page: int
    size: int


class CompatTasks:
    """Query, list and cancel, as plain data.

    Args:
        context: what the flows work with.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def get(self, owner: str, task_id: str, request_id: str) -> dict[str, Any]:
        """One task; there is an answer for every id."""
        job = find(self._context, owner, task_id)
        if job is None:
            return dialect.unknown(task_id, request_id)
        job = refresh(self._context, job)
        return dialect.show(job, self._link(job), request_id)

    def _link(self, job: Job) -> Link | None:
        if job.status is Status.COMPLETED and job.verdict and job.verdict.video:
            return self._context.artifacts.link(job.verdict.video.object)
        return None

    def cancel(self, owner: str, task_id: str, request_id: str) -> dict[str, Any]:
        """Cancel a task that waits.

        Raises:
            ApiError: it does not wait (any more), or is not there.
        """
        job = find(self._context, owner, task_id)
        not_pending = dialect.refused("UnsupportedOperation", NOT_PENDING)
        if job is None or job.status is Status.CANCELLED:
            raise not_pending
        try:
            cancel(self._context, owner, task_id)
        except ApiError as error:
            if error.kind in {NOT_FOUND, CONFLICT, NOT_READY}:
                raise not_pending from error
            raise
        return {"request_id": request_id}

    def list(self, owner: str, query: Mapping[str, str], request_id: str) -> dict[str, Any]:
        """The tasks of at most 24 hours, newest first.

        Args:
            owner: whose.
            query: the parameters, all of them optional.
            request_id: of this very request.

        Raises:
            ApiError: a parameter is not usable.
        """
        now = self._context.now()
        asked = _list_query(query, now)
        jobs = self._candidates(owner, query, now - asked.start)
        found = [dialect.row(job) for job in jobs if _wanted(job, asked, query)]
        at = (asked.page - 1) * asked.size
        return {
            "total": len(found),
            "data": found[at : at + asked.size],
            "total_page": -(-len(found) // asked.size),
            "page_no": asked.page,
            "request_id": request_id,
            "page_size": asked.size,
        }

    def _candidates(self, owner: str, query: Mapping[str, str], age_s: float) -> Sequence[Job]:
        if task_id := query.get("task_id"):
            # "Then only that one", and it is found wherever a query for it would find it.
            job = find(self._context, owner, task_id)
            return [job] if job else []
        return recent(self._context, owner, max(age_s, 0.0))


def _wanted(job: Job, asked: TaskListQuery, query: Mapping[str, str]) -> bool:
    if query.get("task_id"):
        return job.intent.id == query["task_id"]
    row = dialect.row(job)
    names = ("model_name", "status", "api_key_id", "region")
    fits = all(query[name] == row[name] for name in names if query.get(name))
    return fits and asked.start <= job.intent.created_at <= asked.end


def _list_query(query: Mapping[str, str], now: float) -> TaskListQuery:
    start, end = _moment(query, "start_time"), _moment(query, "end_time")
    if start is None:
        start = (now if end is None else end) - DAY_S
    if end is None:
        end = start + DAY_S
    if not 0 <= end - start <= DAY_S:
        raise dialect.missing("start_time")
    page, size = _whole(query, "page_no", 1), _whole(query, "page_size", PAGE)
    if size > PAGE_AT_MOST:
        raise dialect.missing("page_size")
    return TaskListQuery(start, end, page, size)


def _moment(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return datetime.strptime(f"{text}{OFFSET}", "%Y%m%d%H%M%S%z").timestamp()
    except (ValueError, OverflowError):
        raise dialect.missing(name) from None


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    found = digits(text, WHOLE_AT_MOST) if text else default
    if not found:
        raise dialect.missing(name)
    return found
