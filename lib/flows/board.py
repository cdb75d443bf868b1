"""What one tick remembers while it works: the listing, when to look again, what it did.

Lost with the tick, on purpose: whatever matters stands in the bucket.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lib.adapters.jobs import Held
    from lib.adapters.ledger import Watch
    from lib.adapters.outbox import Entry
    from lib.core.job import Stage


@dataclass
class Board:
    """The memory of one tick.

    Attributes:
        deadline: when the tick must be over, Unix seconds.
        jobs: id to pending object, as last seen or written.
        looks: job id to the time of its next single query.
        watches: account to the watch that this tick holds.
        listed: account to the time of its next list call, or of its next try to get the watch.
        fails: account to the number of its list calls that failed in a row.
        prompts: task id to what the upstream said it was made with; None where it does not say.
        sends: account to the time when its gate opens for jobs that wait.
        silent: receivers of webhooks that gave no answer in this tick.
        told: how many webhooks this tick tried to deliver.
        webhooks_s: how long it spent on them, seconds.
        done: what happened, by word.
        hurried: somebody waits for this to be over: only copies that are soon made.
    """

    deadline: float
    jobs: dict[str, Held] = field(default_factory=dict)
    looks: dict[str, float] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    listed: dict[str, float] = field(default_factory=dict)
    fails: Counter[str] = field(default_factory=Counter)
    prompts: dict[str, str | None] = field(default_factory=dict)
    sends: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    told: int = 0
    webhooks_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    hurried: bool = False

    def relist(self, pending: Iterable[Held]) -> None:
        """Take a fresh listing."""
        self.jobs = {held.id: held for held in pending}

    def of(self, account: str, *stages: Stage) -> list[Held]:
        """The account's jobs in these stages."""
        return [
            held
            for held in self.jobs.values()
            if held.state.account == account and held.state.stage in stages
        ]

    def attempt(self, held: Held | Entry, step: Callable[[], object]) -> None:
        """Run one job's step; its failure is counted and never stops the others."""
        try:
            word = step()
        except ApiError as error:
            self.done["errors"] += 1
            logs.event("tick.job_waits", job=held.id, reason=error.kind.code)
        except Exception:  # noqa: BLE001 - the tick is the last resort of every job
            self.done["errors"] += 1
            logs.crash("tick.job_failed", job=held.id)
        else:
            if isinstance(word, str):
                self.done[word] += 1
