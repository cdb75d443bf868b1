"""Tasks and how they pass from PENDING to their end, by the clock or by a rendering thread.

Nothing happens between two questions: the state is worked out from the clock when somebody asks.
Two tasks of an account run at a time; a record lives 24 hours. Source: Model Studio, "Asynchronous
task management" and "Rate limits".
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.emulator.clock import Clock
    from lib.emulator.dashscope.models import Model

RUNNING_AT_MOST = 2
RECORD_S = 24 * 3600.0
STUCK_S = 3 * 3600.0  # a task without a result after three hours fails
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


@dataclass(frozen=True)
class Film:
    """What a film is rendered from."""

    first: bytes
    last: bytes | None
    resolution: str
    seed: int
    watermark: bool
    prompt: str
    model: str


@dataclass(frozen=True)
class Timing:
    """How long tasks take.

    Attributes:
        draw: pending and running seconds of a task of a model; None renders in a thread and takes
            as long as that takes.
    """

    draw: Callable[[Model], tuple[float, float]] | None

    @classmethod
    def rendering(cls) -> Timing:
        """A task lasts as long as its film takes to render."""
        return cls(None)

    @classmethod
    def documented(cls) -> Timing:
        """The usual durations of the service."""
        return cls(lambda model: (model.pending_s, model.running_s))

    @classmethod
    def virtual(cls, draw: Callable[[], tuple[float, float]]) -> Timing:
        """Durations that somebody else draws; no threads at all."""
        return cls(lambda _model: draw())


@dataclass
class Task:
    """One accepted task; it is paid for when it succeeds.

    Attributes:
        id: a UUID.
        account: the region whose account it belongs to.
        key_id: the id of the API key that made it.
        request_id: of its create.
        model: which.
        body: the request as it came.
        film: what to render.
        submitted_at: Unix seconds, as are all times.
        ready_at: when it leaves the queue at the earliest.
        running_s: how long it runs; None until its film is rendered.
        failure: code and message it is going to fail with.
        scenario: a name from the prompt.
    """

    id: str
    account: str
    key_id: str
    request_id: str
    model: Model
    body: dict[str, Any]
    film: Film
    submitted_at: float
    ready_at: float
    running_s: float | None
    failure: tuple[str, str] | None = None
    scenario: str = ""
    status: str = "PENDING"
    scheduled_at: float | None = None
    ended_at: float | None = None
    video: bytes | None = None
    rendering: Future[bytes] | None = field(default=None, repr=False)

    @property
    def region(self) -> str:
        """The region of its account."""
        return self.account


class Tasks:
    """All tasks.

    Args:
        clock: decides what has happened.
        render: makes a film.
        timing: see `Timing`.
    """

    def __init__(self, clock: Clock, render: Callable[[Film], bytes], timing: Timing) -> None:
        self._clock, self._render, self.timing = clock, render, timing
        self._all: dict[str, Task] = {}
        self._freed_at: dict[str, float] = {}
        self._pool: ThreadPoolExecutor | None = None
        self.lock = threading.RLock()

    def __iter__(self) -> Any:
        """Every task ever accepted, oldest first."""
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        """How many were accepted."""
        return len(self._all)

    def add(self, task: Task) -> None:
        """Take a task in."""
        with self.lock:
            self._all[task.id] = task
            self.settle(task.account)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._all.clear()
            self._freed_at.clear()

    def of(self, account: str) -> list[Task]:
        """The account's tasks whose records live, newest first, as they stand now."""
        with self.lock:
            self.settle(account)
            horizon = self._clock.now() - RECORD_S
            found = [task for task in self if task.account == account]
            return [task for task in reversed(found) if task.submitted_at >= horizon]

    def get(self, account: str, task_id: str) -> Task | None:
        """One task of the account; None when it is foreign, unknown or forgotten."""
        with self.lock:
            self.settle(account)
            task = self._all.get(task_id)
            if task is None or task.account != account:
                return None
            return task if self._clock.now() - task.submitted_at <= RECORD_S else None

    def unfinished(self, account: str) -> int:
        """How many tasks of the account are PENDING or RUNNING."""
        with self.lock:
            self.settle(account)
            return sum(task.account == account and task.status not in ENDED for task in self)

    def cancel(self, task: Task) -> bool:
        """Cancel a PENDING task; False for any other."""
        with self.lock:
            if task.status != "PENDING":
                return False
            task.status, task.ended_at = "CANCELED", self._clock.now()
            return True

    def settle(self, account: str) -> None:
        """Let everything happen that has happened by now, in its order."""
        now = self._clock.now()
        while event := self._next(account, now):
            at, task = event
            if task.status == "PENDING":
                self._start(task, at)
            else:
                self._end(task, at)

    def _next(self, account: str, now: float) -> tuple[float, Task] | None:
        mine = [task for task in self._all.values() if task.account == account]
        running = [task for task in mine if task.status == "RUNNING"]
        events = [(end, task) for task in running if (end := self._end_of(task, now)) is not None]
        pending = [task for task in mine if task.status == "PENDING"]
        if pending and len(running) < RUNNING_AT_MOST:
            first = min(pending, key=lambda task: task.ready_at)
            events.append((max(first.ready_at, self._freed_at.get(account, 0.0)), first))
        due = [event for event in events if event[0] <= now]
        return min(due, key=lambda event: event[0]) if due else None

    def _end_of(self, task: Task, now: float) -> float | None:
        started = task.scheduled_at or 0.0
        if task.scenario == "stuck":
            return started + STUCK_S
        if task.failure is not None:
            return started + min(task.running_s or 0.0, 1.0)
        if task.running_s is not None:
            return started + task.running_s
        return now if task.rendering and task.rendering.done() else None

    def _start(self, task: Task, at: float) -> None:
        task.status, task.scheduled_at = "RUNNING", at
        if task.running_s is None and task.failure is None:
            self._pool = self._pool or ThreadPoolExecutor(1, "film")
            task.rendering = self._pool.submit(self._render, task.film)

    def _end(self, task: Task, at: float) -> None:
        if task.scenario == "stuck":
            task.failure = ("InternalError.Timeout", "An internal timeout error has occured.")
        if task.rendering is not None and task.rendering.exception() is not None:
            task.failure = ("InternalError.Algo", "inference internal error")
        task.status = "FAILED" if task.failure else "SUCCEEDED"
        task.ended_at = self._freed_at[task.account] = at

    def film(self, task: Task) -> bytes:
        """The film of a task that succeeded, rendered by now or on first need."""
        with self.lock:
            if task.video is None:
                done = task.rendering
                task.video = done.result() if done else self._render(task.film)
            return task.video
