"""The list of an account's tasks, whole or not at all: all pages, of one moment, in our time.

Refuses a list that takes long, that changed while it was read, or whose pages do not fit together:
a part of it would prove that a task does not exist which only stands on another page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib.adapters.dashscope.connection import unavailable
from lib.core.upstream import reader
from lib.core.upstream.outcomes import Listing, QueryFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lib.adapters.dashscope.connection import Connection
    from lib.core.upstream.outcomes import Row

PAGE_SIZE = 50
PAGES_AT_MOST = 100
PAGE_GAP_S = 0.125  # 8 a second; the account has 20
LIST_AT_MOST_S = 20.0  # what is read later may lack what the first page could not show yet
RECORD_S, AHEAD_AT_MOST_S = 26 * 3600.0, 900.0  # a row's time: of the last day, and not to come


class TaskList:
    """Reads the list of one account.

    Args:
        connection: to the account.
        now: Unix seconds.
        sleep: waits that many seconds between two pages.
    """

    def __init__(
        self,
        connection: Connection,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._connection, self._now, self._sleep = connection, now, sleep

    def read(self) -> Listing | QueryFailed:
        """Every task of the last 24 hours; a list is as old as its first page was asked."""
        rows: list[Row] = []
        at, total = self._now(), None
        for number in range(1, PAGES_AT_MOST + 1):
            if number > 1:
                self._sleep(PAGE_GAP_S)
            path = f"/tasks?page_no={number}&page_size={PAGE_SIZE}"
            data = self._connection.query("GET", path)
            if isinstance(data, QueryFailed):
                return data
            page = reader.page(data)
            if page is None:
                return unavailable("a list in an unknown shape")
            if self._now() - at > LIST_AT_MOST_S:
                return unavailable(f"a list that takes longer than {LIST_AT_MOST_S:g} s")
            if total not in {None, page.total}:
                return unavailable("a list that changed while it was read")
            total = page.total
            rows += [self._by_our_clock(row, at) for row in page.rows]
            if number >= page.pages:
                return _whole(rows, total, at)
        return unavailable("a list without an end")

    def _by_our_clock(self, row: Row, at: float) -> Row:
        """The row's times as our clock has them; one that no list of a day can hold is none."""
        ahead_s, times = self._connection.clock.ahead_s, {}
        for name in ("created_at", "ended_at"):
            value = getattr(row, name)
            if value is not None and at - RECORD_S <= value - ahead_s <= at + AHEAD_AT_MOST_S:
                times[name] = value - ahead_s
        return replace(row, created_at=times.get("created_at"), ended_at=times.get("ended_at"))


def _whole(rows: Sequence[Row], total: int | None, at: float) -> Listing | QueryFailed:
    """The pages together, if they are what the service said they would be."""
    ids = [row.task_id for row in rows if row.task_id]
    if len(rows) != total or len(ids) != len(set(ids)):
        return unavailable(f"a list of {total} tasks with {len(rows)} rows, {len(set(ids))} named")
    return Listing(tuple(rows), at)
