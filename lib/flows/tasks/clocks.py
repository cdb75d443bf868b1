"""Whether our times can be trusted enough to send and to conclude.

Two clocks further apart than the protocol allows make every rule of it wrong: then nobody sends,
nobody concludes, and the jobs say why. Copies and reads go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import CLOCK_OFF
from lib.core.jobs.job import Stage

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

WAITING = (Stage.QUEUED, Stage.UNSURE)
ASK_EVERY_S = 15.0
REASONS_AT_MOST = 50  # that one round writes to jobs that wait; the next round writes the others


def off(context: Context, account: str) -> bool:
    """Whether this machine's clock, or the account's, is too far from the others.

    Ours is judged by the bucket's, which all our machines share; the upstream's is corrected, and
    only what no correction can be right for counts.

    Args:
        context: what the flows work with.
        account: the upstream account.
    """
    if context.bucket_clock.off_s > context.times.skew_s:
        return True
    upstream = context.upstreams.get(account)
    return upstream is not None and upstream.clock.off_s > context.times.far_s


def halted(context: Context, account: str, tick_state: TickState) -> bool:
    """The same for a tick: says so in the log and on the jobs that wait for it.

    Nobody sends meanwhile, so the upstream is asked for its list now and then: that tells the time.
    """
    waiting = tick_state.of(account, *WAITING)
    if (
        waiting
        and off(context, account)
        and context.now() >= tick_state.looks.get(f"clock {account}", 0.0)
    ):
        tick_state.looks[f"clock {account}"] = context.now() + ASK_EVERY_S
        context.upstreams[account].list()
        tick_state.count("lists")
    if not off(context, account):
        return False
    if waiting:
        logs.event(
            "clock.off",
            account=account,
            ours_s=round(context.bucket_clock.off_s, 1),
            upstream_s=round(context.upstreams[account].clock.off_s, 1),
        )
        tick_state.count("clock_off")
    for held in [held for held in waiting if held.state.reason != CLOCK_OFF.code][:REASONS_AT_MOST]:
        tick_state.attempt(held, _set_reason, context, held)
    return True


def _set_reason(context: Context, held: Held) -> None:
    state = held.state
    # A doubt keeps token and times of its send: they bound when its task can have been made.
    kept = {"since": state.since, "reason": CLOCK_OFF.code, "until": state.until}
    by = state.by if state.stage is Stage.UNSURE else context.token()
    context.jobs.patch(held, state.to(state.stage, by=by, now=state.since, **kept))
