"""What one tick remembers while it works: the listing, when to look again, what it did.

Lost with the tick, on purpose: whatever matters stands in the bucket. Several accounts work on it
at once; what belongs to one account or one job is touched by one of them only.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from lib import logs
from lib.core.errors import ApiError
from lib.core.jobs.job import Stage
from lib.core.outside.records import RecordUnreadable
from lib.core.protocol.slots import holds_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lib.adapters.state.jobs import Held, Inbox
    from lib.adapters.state.ledger import PollLease
    from lib.adapters.state.outbox import Entry
    from lib.flows.context import Context

P = ParamSpec("P")
T = TypeVar("T")

NAMED_AT_MOST = 50  # unreadable objects that one tick names; all are counted


@dataclass
class TickState:
    """The memory of one tick.

    Attributes:
        deadline: when the tick must be over, Unix seconds.
        thorough: whether tasks that are late by the list are asked for one by one, too.
        jobs: name to pending object, as last seen or written; see `following`.
        aside: name to pending object of a job whose record cannot be read: nothing is done to it.
        unreadable: name of an object that cannot be read to the reason.
        legible: names of pending objects whose body was found to be readable.
        ended: names of jobs whose task was seen to have ended upstream.
        looks: job id to the time of its next single query.
        poll_leases: account to the lease that this tick holds.
        listed: account to the time of its next list call, or of its next try to get the lease.
        fails: account to the number of its list calls that failed in a row.
        prompts: task id to what the upstream said it was made with; None where it does not say.
        sends: account to the time when its gate opens for jobs that wait.
        silent: receivers of webhooks that gave no answer in this tick.
        webhooks_tried: how many deliveries of webhooks this tick has tried.
        webhooks_s: how long it spent on them, seconds.
        places: the word for a loop to the last thing that it did.
        cut: whether time was up before some loop was through.
        done: what happened, by word.
        hurried: a reader waits for this to be over: only copies that are soon made.
    """

    deadline: float
    thorough: bool = False
    jobs: dict[str, Held] = field(default_factory=dict)
    aside: dict[str, Held] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    legible: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    looks: dict[str, float] = field(default_factory=dict)
    poll_leases: dict[str, PollLease] = field(default_factory=dict)
    listed: dict[str, float] = field(default_factory=dict)
    fails: Counter[str] = field(default_factory=Counter)
    prompts: dict[str, str | None] = field(default_factory=dict)
    sends: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    webhooks_tried: int = 0
    webhooks_s: float = 0.0
    places: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    done: Counter[str] = field(default_factory=Counter)
    hurried: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def following(self, context: Context) -> Context:
        """What the steps of this tick work with: each of their writes is known here at once.

        Args:
            context: what the tick was given.
        """
        return replace(context, jobs=context.jobs.followed(self._written))

    def _written(self, name: str, held: Held | None) -> None:
        with self._lock:
            if held is None:
                self.jobs.pop(name, None)
            elif name in self.jobs:
                self.jobs[name] = held

    def take(self, inbox: Inbox) -> None:
        """Take a fresh listing."""
        for odd in inbox.unreadable:
            self.odd(odd.name, odd.why)
        self.relist(inbox.jobs)

    def relist(self, pending: Iterable[Held]) -> None:
        """Take these jobs for all there are, but for those that were put aside."""
        self.jobs = {held.name: held for held in pending if held.name not in self.aside}

    def of(self, account: str, *stages: Stage) -> list[Held]:
        """The account's jobs in these stages."""
        with self._lock:
            there = list(self.jobs.values())
        return [
            held for held in there if held.state.account == account and held.state.stage in stages
        ]

    def oldest_s(self, now: float) -> float:
        """For how long the oldest job has not ended, seconds; 0 without one.

        Args:
            now: Unix seconds.
        """
        waiting = [held for held in self.jobs.values() if held.state.stage is not Stage.DELETING]
        return max([0.0, *(now - held.meta.created_at for held in waiting)])

    def busy(self, account: str, now: float, window_s: float) -> int:
        """How many of the account's places upstream are taken.

        Args:
            account: which.
            now: Unix seconds.
            window_s: for how long after a lease its request may still make a task, seconds.
        """
        with self._lock:
            there = [*self.jobs.values(), *self.aside.values()]
        return sum(
            held.state.account == account
            and held.name not in self.ended
            and holds_slot(held.state, now, window_s)
            for held in there
        )

    def each(self, loop: str, jobs: Iterable[Held], over: Callable[[], bool]) -> Iterator[Held]:
        """These jobs, from the one on that comes after the last that this loop did.

        Args:
            loop: its word; its place is kept for the next tick when this one is cut short.
            jobs: in any order.
            over: whether time is up.
        """
        place = self.places.get(loop, "")
        for held in sorted(jobs, key=lambda held: (held.name <= place, held.name)):
            if over():
                self.cut = True
                return
            self.places[loop] = held.name
            yield held

    def odd(self, name: str, why: str) -> None:
        """Count an object that cannot be read, and name it once."""
        with self._lock:
            if name in self.unreadable:
                return
            self.unreadable[name] = why
        if len(self.unreadable) <= NAMED_AT_MOST:
            logs.event("object.unreadable", object=name[:200], reason=why)

    def count(self, word: str) -> None:
        """Note that something happened once more.

        Args:
            word: for the summary.
        """
        with self._lock:
            self.done[word] += 1

    def attempt(
        self, held: Held | Entry, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Run one job's step; its failure is counted and never stops the others.

        Args:
            held: what the step is about.
            step: what to do; a text that it returns is a word for what happened, and is counted.
            args: of the step.
            kwargs: of the step.

        Returns:
            What the step returned, None when it failed.
        """
        try:
            result = step(*args, **kwargs)
        except RecordUnreadable as odd:
            self.odd(odd.name, odd.why)
            name = f"pending/{held.owner}/{held.id}.json"
            with self._lock:
                if mine := self.jobs.pop(name, None):
                    self.aside[name] = mine
        except ApiError as error:
            self.count("errors")
            logs.event("tick.job_waits", job=held.id, reason=error.kind.code)
        except Exception:  # noqa: BLE001 - the tick is the last resort of every job
            self.count("errors")
            logs.crash("tick.job_failed", job=held.id)
        else:
            if isinstance(result, str):
                self.count(result)
            return result
        return None


def legible(context: Context, held: Held, tick_state: TickState) -> bool:
    """Whether the job's body is there; asked once a tick, before anything is written for the job.

    Raises:
        RecordUnreadable: it is there and cannot be read: nothing may be written for this job.
        ApiError: the bucket does not answer.
    """
    if held.name not in tick_state.legible:
        if context.jobs.intent(held) is None:
            return False
        tick_state.legible.add(held.name)
    return True
