"""What a flow works with: the adapters, the accounts, and time, ids and sleep as arguments.

Built by `wiring` alone (and by tests, which hand in a clock that they move). Holds no state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib.core.protocol.evidence import SubmitWindow
from lib.core.together import in_turn
from lib.flows.cache import Cache, Names
from lib.flows.memory import BODIES_AT_MOST, LINKS_AT_MOST, MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.dashscope import DashScope
    from lib.adapters.files.artifacts import Artifacts
    from lib.adapters.files.uploads import Temporaries
    from lib.adapters.outbound.fetch import Fetcher
    from lib.adapters.outbound.service_clock import ServiceClock
    from lib.adapters.state.accounts import Accounts
    from lib.adapters.state.jobs import Jobs
    from lib.adapters.state.ledger import Ledger
    from lib.adapters.state.outbox import Outbox
    from lib.core.limits import OwnerLimits
    from lib.core.together import Together
    from lib.core.webhooks import Secret

SEND_EVERY_S = 1.0  # a gate object takes one write a second; the upstream takes two creates


@dataclass(frozen=True)
class Times:
    """The protocol's time constants, seconds; the defaults are those of the invariants' proof.

    Attributes:
        lease_s: L, how long a `sending` or `copying` lease lasts.
        margin_s: M, how late a request of an expired lease may still reach the upstream.
        delay_s: D, how late the upstream's list may show a task.
        skew_s: how far two clocks may be apart.
        far_s: how far the upstream's clock may be from ours: it is measured and corrected.
        copy_lease_s: how long a copy may give no sign of life before another process may try.
        copy_at_most_s: how long a copy may take in all; its lease is renewed while bytes flow.
        give_up_s: how long a task may stay unseen before the job is `expired`.
        queue_deadline_s: how long a job may wait unsent before it is `expired`.
        tick_budget_s: how long one tick works while something is pending.
        list_every_s: the least time between two list calls of an account.
        first_look_s: when a task is first looked at; None takes the model's known duration.
        relist_s: how long a tick trusts its listing of `pending/`.
        single_every_s: the least time between two single queries for one task.
    """

    lease_s: float = 30.0
    margin_s: float = 60.0
    delay_s: float = 60.0
    skew_s: float = 10.0
    far_s: float = 300.0
    copy_lease_s: float = 120.0
    copy_at_most_s: float = 600.0
    give_up_s: float = 24 * 3600.0
    queue_deadline_s: float = 24 * 3600.0
    tick_budget_s: float = 50.0
    list_every_s: float = 5.0
    first_look_s: float | None = None
    relist_s: float = 10.0
    single_every_s: float = 15.0

    @property
    def window(self) -> SubmitWindow:
        """The times that reconciling goes by."""
        return SubmitWindow(self.lease_s, self.margin_s, self.delay_s, self.skew_s, self.far_s)


@dataclass(frozen=True)
class Context:
    """Everything that a flow calls or is set by, in one argument.

    Attributes:
        jobs: the bucket state.
        ledger: keys, claims and gates.
        accounts: what is known of the upstream accounts.
        bucket_clock: the bucket's clock beside this machine's; `now` is corrected by it.
        outbox: webhooks that are not delivered yet.
        artifacts: frames, videos and signed links.
        temporaries: files that clients upload before they name them.
        fetch: pictures and results from the web, guarded.
        upstreams: account name to its DashScope adapter.
        now: Unix seconds.
        sleep: waits that many seconds.
        token: a fresh random text, 16 hex characters.
        times: the protocol's constants.
        limits: of owners, see `core.limits`; without a row there are none.
        body_memory: memory for what requests carry.
        fetch_memory: memory for what their links and names lead to.
        answered: ids of jobs that this process has answered to those who made them.
        uploaded: frames that this process has put on the upstream's storage, to their names there.
        links_given: names of uploads for which this process has given a link.
        webhook_secrets: owner to what their webhooks are signed with, newest first.
        together: runs calls that wait for other services, at once where threads may be used.
    """

    jobs: Jobs
    ledger: Ledger
    accounts: Accounts
    bucket_clock: ServiceClock
    outbox: Outbox
    artifacts: Artifacts
    temporaries: Temporaries
    fetch: Fetcher
    upstreams: Mapping[str, DashScope]
    now: Callable[[], float]
    sleep: Callable[[float], None]
    token: Callable[[], str]
    times: Times = field(default_factory=Times)
    limits: Mapping[str, OwnerLimits] = field(default_factory=dict)
    body_memory: MemoryBudget = field(default_factory=lambda: MemoryBudget(BODIES_AT_MOST))
    fetch_memory: MemoryBudget = field(default_factory=lambda: MemoryBudget(LINKS_AT_MOST))
    answered: Cache[bool] = field(default_factory=Cache)
    uploaded: Cache[str] = field(default_factory=Cache)
    links_given: Names = field(default_factory=Names)
    webhook_secrets: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)
    together: Together = in_turn
