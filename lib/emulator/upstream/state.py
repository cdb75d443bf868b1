"""What all operations share: clock, tasks, counters, ids, settings.

It decides nothing about tasks; the operations do.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from lib.emulator.seeded import seeded
from lib.emulator.upstream.errors import invalid

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.upstream.faults import UpstreamFaults
    from lib.emulator.upstream.limits import RateLimits
    from lib.emulator.upstream.tasks import TaskStore

CHOICES = {"overflow": ("refuse", "queue"), "bad_frame": ("fail", "refuse")}


@dataclass
class Settings:
    """What the service's documents leave open, or what a test wants to see.

    Attributes:
        overflow: a third task at once is refused (`refuse`) or left PENDING (`queue`).
        bad_frame: a frame that is no good makes the task `fail`, or the create is a `refuse`.
        list_lag_s: the list shows the tasks as they were so many seconds ago.
    """

    overflow: str = "refuse"
    bad_frame: str = "fail"
    list_lag_s: float = 0.0

    def __post_init__(self) -> None:
        self.change({})

    def change(self, values: Mapping[str, Any]) -> None:
        """Set some of them.

        Raises:
            UpstreamError: 400 for an unknown name or value; then nothing changes.
        """
        wanted = {**asdict(self), **values}
        for name, allowed in CHOICES.items():
            if wanted[name] not in allowed:
                raise invalid(f"{name} is {' or '.join(allowed)}; got {wanted[name]!r}.")
        lag = wanted["list_lag_s"]
        if isinstance(lag, bool) or not isinstance(lag, int | float) or lag < 0:
            raise invalid(f"list_lag_s is a number of seconds, 0 or more; got {lag!r}.")
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(values) - known):
            raise invalid(f"Unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}.")
        for name, value in values.items():
            setattr(self, name, value)


class Ids:
    """Everything that is drawn, each kind from its own generator: a poll more changes no task.

    Args:
        seed: same seed, same ids.
    """

    def __init__(self, seed: int) -> None:
        self._tasks, self._requests, self._seeds = (
            seeded(f"{seed} {kind}") for kind in ("task", "request", "seed")
        )

    def task(self) -> str:
        """A task's id."""
        return _uuid(self._tasks)

    def request(self) -> str:
        """A request's id."""
        return _uuid(self._requests)

    def seed(self) -> int:
        """A seed for a film that names none."""
        return self._seeds.getrandbits(31)


def _uuid(generator: random.Random) -> str:
    return str(uuid.UUID(int=generator.getrandbits(128), version=4))


@dataclass
class UpstreamState:
    """What the operations work with.

    Attributes:
        clock: every time comes from here.
        tasks: all tasks.
        faults: declared failures.
        limits: of the rates.
        ids: what is drawn.
        settings: what was chosen.
        counts: requests by operation.
    """

    clock: Clock
    tasks: TaskStore
    faults: UpstreamFaults
    limits: RateLimits
    ids: Ids
    settings: Settings
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        """One more."""
        with self._lock:
            self.counts[name] += 1
