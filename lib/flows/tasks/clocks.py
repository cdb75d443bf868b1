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
    from lib.flows.context import Kit
    from lib.flows.tick_state import Board

WAITING = (Stage.QUEUED, Stage.UNSURE)
ASK_EVERY_S = 15.0
REASONS_AT_MOST = 50  # that one round writes to jobs that wait; the next round writes the others


def off(kit: Kit, account: str) -> bool:
    """Whether this machine's clock, or the account's, is too far from the others.

    Ours is judged by the bucket's, which all our machines share; the upstream's is corrected, and
    only what no correction can be right for counts.

    Args:
        kit: what the flows work with.
        account: the upstream account.
    """
    if kit.bucket_clock.off_s > kit.times.skew_s:
        return True
    upstream = kit.upstreams.get(account)
    return upstream is not None and upstream.clock.off_s > kit.times.far_s


def halted(kit: Kit, account: str, board: Board) -> bool:
    """The same for a tick: says so in the log and on the jobs that wait for it.

    Nobody sends meanwhile, so the upstream is asked for its list now and then: that tells the time.
    """
    waiting = board.of(account, *WAITING)
    if waiting and off(kit, account) and kit.now() >= board.looks.get(f"clock {account}", 0.0):
        board.looks[f"clock {account}"] = kit.now() + ASK_EVERY_S
        kit.upstreams[account].list()
        board.done["lists"] += 1
    if not off(kit, account):
        return False
    if waiting:
        logs.event(
            "clock.off",
            account=account,
            ours_s=round(kit.bucket_clock.off_s, 1),
            upstream_s=round(kit.upstreams[account].clock.off_s, 1),
        )
        board.done["clock_off"] += 1
    for held in [held for held in waiting if held.state.reason != CLOCK_OFF.code][:REASONS_AT_MOST]:
        board.attempt(held, _set_reason, kit, held)
    return True


def _set_reason(kit: Kit, held: Held) -> None:
    state = held.state
    # A doubt keeps token and times of its send: they bound when its task can have been made.
    kept = {"since": state.since, "reason": CLOCK_OFF.code, "until": state.until}
    by = state.by if state.stage is Stage.UNSURE else kit.token()
    kit.jobs.patch(held, state.to(state.stage, by=by, now=state.since, **kept))
