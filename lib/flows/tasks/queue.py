"""Sending what waits: owners in turn, each owner's oldest first, through the account's gate.

The gate limits the rate across ticks and instances; that a job is sent once is the business of its
own lease, never of the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.errors import EXPIRED
from lib.core.jobs.job import Failure, Stage, Status, Verdict
from lib.core.protocol.slots import RUNNING_AT_MOST
from lib.flows.context import SEND_EVERY_S
from lib.flows.tasks import clocks
from lib.flows.tasks.finish import close_if_ended, finish
from lib.flows.tasks.send import TICK_S, dispatch, lease

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lib.adapters.state.jobs import Held
    from lib.adapters.state.ledger import Gate
    from lib.core.jobs.job import State
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

NOT_SENT = frozenset({"taken_by_another", "tidied", "unprepared", "prepared"})


def serve(context: Context, account: str, tick_state: TickState) -> None:
    """Send as many queued jobs of an account as there are free places and rate for."""
    queued = tick_state.of(account, Stage.QUEUED)
    if queued and clocks.halted(context, account, tick_state):
        return
    window_s = context.times.margin_s + context.times.skew_s
    places = RUNNING_AT_MOST - tick_state.busy(account, context.now(), window_s)
    gate = context.ledger.gate(account)
    while queued and places > 0 and context.now() < tick_state.deadline:
        now = context.now()
        if now < gate.next_send:
            tick_state.sends[account] = gate.next_send
            return
        held = fairest(queued, gate.cursor)
        moved = context.ledger.move_gate(
            gate, context.token(), next_send=now + SEND_EVERY_S, cursor=held.owner, free=0
        )
        if moved is None:
            return
        gate = moved
        queued.remove(held)
        word = tick_state.attempt(held, _send, context, held)
        if word not in NOT_SENT and held.name not in tick_state.aside:
            places -= 1
        if queued and places > 0:
            context.sleep(max(0.0, gate.next_send - context.now()))
    _open(context, gate, places, waiting=bool(queued))


def _open(context: Context, gate: Gate, places: int, *, waiting: bool) -> None:
    """Tell the posts how many they may send directly: none while anybody waits."""
    free = 0 if waiting else max(places, 0)
    calm = context.now() >= gate.next_send
    if gate.meta is not None and calm and (free != gate.free or gate.consecutive_refusals):
        context.ledger.move_gate(gate, context.token(), free=free, consecutive_refusals=0)


def reopen(context: Context, account: str) -> None:
    """Nothing is pending any more: the next posts may be sent directly again.

    Raises:
        ApiError: the bucket does not answer; they are queued then, and a tick sends them.
    """
    _open(context, context.ledger.gate(account), RUNNING_AT_MOST, waiting=False)


def fairest(queued: Iterable[Held], cursor: str) -> Held:
    """The oldest job of the owner whose turn it is.

    Args:
        queued: at least one.
        cursor: the owner who sent last; the next in name order has the turn.
    """
    owners = sorted({held.owner for held in queued})
    turn = next((owner for owner in owners if owner > cursor), owners[0])
    # Ids sort newest first: the greatest is the oldest.
    return max((held for held in queued if held.owner == turn), key=lambda held: held.id)


def _send(context: Context, held: Held) -> str:
    # Before anything is written: a record that cannot be read is left as it is.
    intent = context.jobs.intent(held)
    if intent is None:
        return "taken_by_another"
    return "tidied" if close_if_ended(context, held) else dispatch(context, held, intent, TICK_S)[0]


def expire(context: Context, held: Held) -> str:
    """End a queued job whose deadline has come; nobody else can send it then."""
    intent = context.jobs.intent(held)
    if intent is None:
        return "taken_by_another"
    taken = context.jobs.patch(held, lease(context, held.state))
    if taken is None:
        return "taken_by_another"
    if close_if_ended(context, taken):
        return "tidied"
    if context.now() > taken.state.until:
        return "taken_by_another"
    failure = Failure(EXPIRED, _in_vain(held.state), retryable=True)
    # A send that was refused made no task, and one in doubt is queued again only when the settled
    # list shows none: what is trusted with sending again is trusted with saying "unpaid", too.
    finish(context, taken, intent, Verdict(Status.EXPIRED, context.now(), failure, paid=False))
    return "expired"


def _in_vain(state: State) -> str:
    """What happened to a job that waited until its deadline, as far as its state knows."""
    if state.tries:
        times = "once" if state.tries == 1 else f"{state.tries} times"
        what = (
            f"it was tried to send it {times}, and no task was made of it (it was refused, or the "
            "upstream's task list shows none)"
        )
    else:
        what = "it was never sent"
    reason = f" What it waited for last: {state.reason}." if state.reason else ""
    return f"The job waited in the queue until its deadline: {what}. Nothing was paid.{reason}"
