"""Tasks and how they pass from PENDING to their end, by the clock or by a rendering thread.

Nothing happens between two calls: the state is worked out from the clock when it is read.
Two tasks of an account run at a time; a record is kept for 24 hours. Source: Model Studio,
"Asynchronous task management" and "Rate limits".
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lib.emulator.upstream.errors import NAMED
from lib.emulator.upstream.timing import FilmRenderer, FilmSource, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lib.emulator.clock import Clock
    from lib.emulator.upstream.models import RegionModel

RUNNING_AT_MOST = 2
RECORD_S = 24 * 3600.0
LINK_S = 24 * 3600.0
STUCK_S = 3 * 3600.0  # a task without a result after three hours fails
FAILS_WITHIN_S = 1.0
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


@dataclass
class Task:
    """One accepted task; it is paid for when it succeeds.

    Attributes:
        id: a UUID.
        account: whose it is.
        region: where.
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
        status: as of the last time it was read.
        scheduled_at: when it began to run.
        ended_at: when it ended.
        rendering: its film, made or to be made.
    """

    id: str
    account: str
    region: str
    key_id: str
    request_id: str
    model: RegionModel
    body: dict[str, Any] = field(repr=False)
    film: FilmSource = field(repr=False)
    submitted_at: float
    ready_at: float
    running_s: float | None
    failure: tuple[str, str] | None = None
    scenario: str = ""
    status: str = "PENDING"
    scheduled_at: float | None = None
    ended_at: float | None = None
    rendering: Future[bytes] | None = field(default=None, repr=False)

    @property
    def paid(self) -> bool:
        """Whether it is billed: successes only (Model Studio, "Model pricing")."""
        return self.status == "SUCCEEDED"

    def seen_at(self, moment: float) -> str:
        """Its status as it was at an earlier moment."""
        if self.ended_at is not None and self.ended_at <= moment:
            return self.status
        started = self.scheduled_at is not None and self.scheduled_at <= moment
        return "RUNNING" if started else "PENDING"


class TaskStore:
    """All tasks of all accounts; iterating gives every accepted one, oldest first, as of now.

    Args:
        clock: decides what has happened.
        render: makes a film.
        timing: see `Timing`.
    """

    def __init__(self, clock: Clock, render: Callable[[FilmSource], bytes], timing: Timing) -> None:
        self._clock, self.timing = clock, timing
        self._renderer = FilmRenderer(render)
        self._all: dict[str, Task] = {}
        self._mine: defaultdict[str, list[Task]] = defaultdict(list)
        self._unfinished: defaultdict[str, list[Task]] = defaultdict(list)
        self._freed_at: defaultdict[str, float] = defaultdict(float)
        self._swept = 0
        self.lock = threading.RLock()

    def __iter__(self) -> Iterator[Task]:
        """Every task ever accepted, oldest first, as it stands now."""
        with self.lock:
            for account in list(self._unfinished):
                self._settle(account)
            return iter(list(self._all.values()))

    def __len__(self) -> int:
        """How many were accepted."""
        return len(self._all)

    def add(self, task: Task) -> None:
        """Take a task in."""
        with self.lock:
            self._sweep()
            self._all[task.id] = task
            self._mine[task.account].append(task)
            self._unfinished[task.account].append(task)
            self._settle(task.account)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._swept = 0
            for held in (self._all, self._mine, self._unfinished, self._freed_at):
                held.clear()

    def of(self, account: str) -> list[Task]:
        """The account's tasks whose records are kept, newest first, as they stand now."""
        with self.lock:
            self._settle(account)
            mine = self._mine[account]
            horizon = self._clock.now() - RECORD_S
            oldest = bisect.bisect_left(mine, horizon, key=lambda task: task.submitted_at)
            return mine[oldest:][::-1]

    def get(self, account: str, task_id: str) -> Task | None:
        """One task of the account; None when it is another account's, unknown or forgotten."""
        with self.lock:
            self._settle(account)
            task = self._all.get(task_id)
            if task is None or task.account != account:
                return None
            return task if self._clock.now() - task.submitted_at <= RECORD_S else None

    def finished(self, task_id: str) -> Task | None:
        """A task with a film, of any account and age; None without one."""
        with self.lock:
            task = self._all.get(task_id)
            return task if task is not None and task.status == "SUCCEEDED" else None

    def unfinished(self, account: str) -> int:
        """How many tasks of the account are PENDING or RUNNING."""
        with self.lock:
            self._settle(account)
            return len(self._unfinished[account])

    def cancel(self, task: Task) -> bool:
        """Cancel a PENDING task; False for any other."""
        with self.lock:
            if task.status != "PENDING":
                return False
            task.status, task.ended_at = "CANCELED", self._clock.now()
            self._unfinished[task.account].remove(task)
            return True

    def film(self, task: Task) -> bytes:
        """The film of a task that succeeded, rendered by now or on first need."""
        with self.lock:
            made, first = task.rendering, task.rendering is None
            if made is None:
                made = task.rendering = Future()
        if first:
            self._renderer.render_now(made, task.film)
        return made.result()

    def _settle(self, account: str) -> None:
        """Let everything happen that has happened by now, in its order."""
        now = self._clock.now()
        while event := self._next(account, now):
            at, task = event
            if task.status == "PENDING":
                self._start(task, at)
            else:
                self._end(task, at)

    def _next(self, account: str, now: float) -> tuple[float, Task] | None:
        unfinished = self._unfinished[account]
        running = [task for task in unfinished if task.status == "RUNNING"]
        events = [(end, task) for task in running if (end := self._end_of(task, now)) is not None]
        pending = [task for task in unfinished if task.status == "PENDING"]
        if pending and len(running) < RUNNING_AT_MOST:
            first = min(pending, key=lambda task: task.ready_at)
            events.append((max(first.ready_at, self._freed_at[account]), first))
        due = [event for event in events if event[0] <= now]
        return min(due, key=lambda event: event[0]) if due else None

    def _end_of(self, task: Task, now: float) -> float | None:
        started = task.scheduled_at or 0.0
        if task.scenario == "stuck":
            return started + STUCK_S
        if task.failure is not None:
            return started + min(task.running_s or 0.0, FAILS_WITHIN_S)
        if task.running_s is not None:
            return started + task.running_s
        return now if task.rendering and task.rendering.done() else None

    def _start(self, task: Task, at: float) -> None:
        task.status, task.scheduled_at = "RUNNING", at
        fails = task.failure is not None or task.scenario == "stuck"
        if self.timing.background and not fails:
            task.rendering = self._renderer.render_later(task.film)

    def _end(self, task: Task, at: float) -> None:
        made = task.rendering
        if task.scenario == "stuck":
            task.failure = NAMED["timeout"][1:]
        elif made is not None and made.done() and made.exception() is not None:
            task.failure = NAMED["algorithm"][1:]
        task.status = "FAILED" if task.failure else "SUCCEEDED"
        task.ended_at = self._freed_at[task.account] = at
        self._unfinished[task.account].remove(task)

    def _sweep(self) -> None:
        # A film whose link has expired cannot be asked for again: its bytes only cost memory.
        kept_since = self._clock.now() - RECORD_S - LINK_S - STUCK_S
        for task in itertools.islice(self._all.values(), self._swept, None):
            if task.submitted_at > kept_since or task.status not in ENDED:
                return
            task.rendering, self._swept = None, self._swept + 1
            task.film = replace(task.film, first=b"", last=None)
