"""Looking at tasks: query one, list many, cancel one that still waits.

Source: Model Studio, "Asynchronous task management". An account sees its own tasks only; records
are kept for 24 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lib.emulator.numbers import whole
from lib.emulator.upstream import shapes
from lib.emulator.upstream.errors import UpstreamError, missing
from lib.emulator.upstream.limits import QUERIES
from lib.emulator.upstream.models import REGION_CODES
from lib.emulator.upstream.routing import UpstreamRoute, as_task_json
from lib.emulator.upstream.tasks import RECORD_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Request, Response

    from lib.emulator.upstream.accounts import Caller
    from lib.emulator.upstream.results import Results
    from lib.emulator.upstream.state import UpstreamState
    from lib.emulator.upstream.tasks import Task

PAGE, PAGE_AT_MOST = 10, 100
NOT_PENDING = "Failed to cancel the task, please confirm if the task is in PENDING status."


@dataclass(frozen=True)
class ListWindow:
    """Which part of the list is wanted: creation times in Unix seconds, page and its size."""

    start: float
    end: float
    page: int
    size: int


class Queries:
    """Query, list and cancel.

    Args:
        state: what they work with.
        results: makes result links.
    """

    def __init__(self, state: UpstreamState, results: Results) -> None:
        self._state, self._results = state, results

    def routes(self) -> list[UpstreamRoute]:
        """Everything under `/tasks`."""
        return [
            UpstreamRoute("list", "GET", "/tasks", self.list),
            UpstreamRoute("get", "GET", "/tasks/([^/]+)", self.get),
            UpstreamRoute("cancel", "POST", "/tasks/([^/]+)/cancel", self.cancel),
        ]

    def get(self, _request: Request, caller: Caller, task_id: str) -> Response:
        """One task; HTTP is 200 for every id."""
        self._admit("get", caller)
        task = self._state.tasks.get(caller.account, task_id)
        if task is None or task.scenario == "unknown":
            return as_task_json(shapes.unknown(task_id, caller.request_id))
        link = self._results.link(task) if task.status == "SUCCEEDED" else ""
        return as_task_json(shapes.queried(task, caller.request_id, link))

    def cancel(self, _request: Request, caller: Caller, task_id: str) -> Response:
        """Cancel a PENDING task, whatever the body says."""
        self._admit("cancel", caller)
        task = self._state.tasks.get(caller.account, task_id)
        if task is None or not self._state.tasks.cancel(task):
            raise UpstreamError(400, "UnsupportedOperation", NOT_PENDING)
        return as_task_json({"request_id": caller.request_id})

    def list(self, request: Request, caller: Caller) -> Response:
        """The tasks of at most 24 hours, newest first."""
        self._admit("list", caller)
        now = self._state.clock.now()
        window, seen_at = _window(request.args, now), now - self._state.settings.list_lag_s
        found = [
            shapes.row(task, seen_at)
            for task in self._state.tasks.of(caller.account)
            if task.submitted_at <= seen_at and _wanted(task, seen_at, window, request.args)
        ]
        at = (window.page - 1) * window.size
        return as_task_json(
            {
                "total": len(found),
                "data": found[at : at + window.size],
                "total_page": -(-len(found) // window.size),
                "page_no": window.page,
                "request_id": caller.request_id,
                "page_size": window.size,
            }
        )

    def _admit(self, operation: str, caller: Caller) -> None:
        self._state.limits.take(QUERIES, operation, caller.account)
        self._state.count(operation)


def _wanted(task: Task, seen_at: float, window: ListWindow, query: Mapping[str, str]) -> bool:
    if query.get("task_id"):
        return task.id == query["task_id"]
    has = {
        "model_name": task.model.name,
        "status": task.seen_at(seen_at),
        "api_key_id": task.key_id,
        "region": REGION_CODES[task.region],
    }
    fits = all(query[name] == value for name, value in has.items() if query.get(name))
    return fits and window.start <= task.submitted_at <= window.end


def _window(query: Mapping[str, str], now: float) -> ListWindow:
    start, end = _moment(query, "start_time"), _moment(query, "end_time")
    if start is None:
        start = (end or now) - RECORD_S
    if end is None:
        end = start + RECORD_S
    if not 0 <= end - start <= RECORD_S:
        raise missing("start_time")
    page, size = _whole(query, "page_no", 1), _whole(query, "page_size", PAGE)
    if size > PAGE_AT_MOST:
        raise missing("page_size")
    return ListWindow(start, end, page, size)


def _moment(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=shapes.ZONE)
    except ValueError:
        raise missing(name) from None
    return local.timestamp()


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    found = whole(query.get(name) or str(default))
    if not found:
        raise missing(name)
    return found
