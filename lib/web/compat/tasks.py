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
    from lib.flows.context import Kit

PAGE, PAGE_AT_MOST = 10, 100
NOT_PENDING = "Failed to cancel the task, please confirm if the task is in PENDING status."


@dataclass(frozen=True)
class Window:
    """Which part of the list is wanted: creation times in Unix seconds, page and its size."""

    start: float
    end: float
    page: int
    size: int


class Tasks:
    """Query, list and cancel, as plain data.

    Args:
        kit: the hands of the flows.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def get(self, owner: str, task_id: str, request_id: str) -> dict[str, Any]:
        """One task; there is an answer for every id."""
        job = find(self._kit, owner, task_id)
        if job is None:
            return dialect.unknown(task_id, request_id)
        job = refresh(self._kit, job)
        return dialect.show(job, self._link(job), request_id)

    def _link(self, job: Job) -> Link | None:
        if job.status is Status.COMPLETED and job.verdict and job.verdict.video:
            return self._kit.artifacts.link(job.verdict.video.object)
        return None

    def cancel(self, owner: str, task_id: str, request_id: str) -> dict[str, Any]:
        """Cancel a task that waits.

        Raises:
            ApiError: it does not wait (any more), or is not there.
        """
        job = find(self._kit, owner, task_id)
        not_pending = dialect.refused("UnsupportedOperation", NOT_PENDING)
        if job is None or job.status is Status.CANCELLED:
            raise not_pending
        try:
            cancel(self._kit, owner, task_id)
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
        now = self._kit.now()
        window = _window(query, now)
        jobs = self._asked(owner, query, now - window.start)
        found = [dialect.row(job) for job in jobs if _wanted(job, window, query)]
        at = (window.page - 1) * window.size
        return {
            "total": len(found),
            "data": found[at : at + window.size],
            "total_page": -(-len(found) // window.size),
            "page_no": window.page,
            "request_id": request_id,
            "page_size": window.size,
        }

    def _asked(self, owner: str, query: Mapping[str, str], age_s: float) -> Sequence[Job]:
        if task_id := query.get("task_id"):
            # "Then only that one", and it is found wherever a query for it would find it.
            job = find(self._kit, owner, task_id)
            return [job] if job else []
        return recent(self._kit, owner, max(age_s, 0.0))


def _wanted(job: Job, window: Window, query: Mapping[str, str]) -> bool:
    if query.get("task_id"):
        return job.intent.id == query["task_id"]
    row = dialect.row(job)
    names = ("model_name", "status", "api_key_id", "region")
    fits = all(query[name] == row[name] for name in names if query.get(name))
    return fits and window.start <= job.intent.created_at <= window.end


def _window(query: Mapping[str, str], now: float) -> Window:
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
    return Window(start, end, page, size)


def _moment(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        naive = datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone is put on below
        return naive.replace(tzinfo=dialect.ZONE).timestamp()
    except (ValueError, OverflowError):
        raise dialect.missing(name) from None


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):  # noqa: PLR2004 - digits of any sensible page
        raise dialect.missing(name)
    return int(text or default)
