"""What the upstream can answer, as closed types: the flows branch on these and on nothing else.

A create is accepted, refused or ambiguous, and the difference is money: refused means that no task
exists, ambiguous that one may. Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib.core.errors import Kind


@dataclass(frozen=True)
class Accepted:
    """A task exists and will be paid for if it succeeds."""

    task_id: str
    request_id: str = ""


@dataclass(frozen=True)
class Refused:
    """No task exists.

    Attributes:
        kind: our row of the error table.
        code: DashScope's code.
        message: DashScope's sentence.
        waits: whether the job should wait in the queue and be sent again (limits, keys, outages)
            rather than fail (the request itself is at fault).
        limited: the account is full or too fast (429).
        retry_after_s: what the upstream asked for.
    """

    kind: Kind
    code: str
    message: str
    waits: bool
    limited: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Ambiguous:
    """Nobody knows whether a task exists.

    Attributes:
        reason: what happened, for logs and for `submit_unknown`.
    """

    reason: str


Outcome = Accepted | Refused | Ambiguous


class TaskStatus(StrEnum):
    """DashScope's `task_status` as far as decisions need it."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def parse(cls, text: object) -> TaskStatus:
        """A word of the service; one that is not listed (SUSPENDED, ...) still runs."""
        try:
            return cls(str(text).upper())
        except ValueError:
            return cls.RUNNING


ENDED = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED})
# A task without a result fails by then, with InternalError.Timeout (Model Studio, "Error codes").
TASK_AT_MOST_S = 3 * 3600.0


@dataclass(frozen=True)
class Report:
    """The answer to a query for one task."""

    task_id: str
    status: TaskStatus
    video_url: str = ""
    code: str = ""
    message: str = ""
    orig_prompt: str | None = None
    actual_prompt: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One row of the upstream's task list; what could not be read is None.

    Attributes:
        task_id: the task.
        status: where it stands.
        model: the upstream model.
        api_key_id: what the upstream calls the API key that made it.
        created_at: Unix seconds by our clock, see `Listing`.
        ended_at: Unix seconds by our clock; None also for a task that has not ended.
    """

    task_id: str | None
    status: TaskStatus | None
    model: str | None
    api_key_id: str | None
    created_at: float | None
    ended_at: float | None = None

    @property
    def whole(self) -> bool:
        """Whether everything that tells whose task it is could be read."""
        return None not in {self.task_id, self.status, self.model, self.api_key_id, self.created_at}


@dataclass(frozen=True)
class ListPage:
    """One page of the task list.

    Attributes:
        rows: each read alone.
        total: how many rows all pages have.
        pages: how many pages there are.
    """

    rows: tuple[Row, ...]
    total: int
    pages: int


@dataclass(frozen=True)
class Listing:
    """The upstream's task list, whole or not at all.

    Attributes:
        rows: newest first as the service gives them; their times are corrected by how far its
            clock is known to be from ours.
        at: when the first page was asked for, Unix seconds by our clock: the list is as old.
    """

    rows: tuple[Row, ...]
    at: float

    def known(self) -> dict[str, Row]:
        """Task id to row, of the rows that say how their task stands."""
        return {row.task_id: row for row in self.rows if row.task_id and row.status}


# The code for what cannot be done (any more), such as cancelling a task that runs.
UNSUPPORTED = "UnsupportedOperation"


@dataclass(frozen=True)
class QueryFailed:
    """A query (get, list, cancel) that gave no answer to act on.

    Attributes:
        kind: our row of the error table.
        message: one sentence; the upstream's own where it gave one, which no log may repeat.
        code: DashScope's; without one, the HTTP status or how the connection failed. Empty where
            an answer came that says something else than it should.
        limited: 429.
        retry_after_s: what the upstream asked for.
    """

    kind: Kind
    message: str
    code: str = ""
    limited: bool = False
    retry_after_s: float | None = None

    @property
    def why(self) -> str:
        """What a log may say of it: the code, or our own sentence where there is none."""
        return self.code or self.message
