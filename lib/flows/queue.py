"""Sending what waits: owners in turn, each owner's oldest first, through the account's gate.

The gate limits the rate across ticks and instances; that a job is sent once is the business of its
own lease, never of the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.job import Failure, Stage, Status, Verdict
from lib.core.slots import RUNNING_AT_MOST
from lib.flows.finish import already, finish
from lib.flows.kit import SEND_EVERY_S
from lib.flows.send import lease, send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lib.adapters.jobs import Held
    from lib.adapters.ledger import Gate
    from lib.flows.board import Board
    from lib.flows.kit import Kit


def serve(kit: Kit, account: str, board: Board) -> None:
    """Send as many queued jobs of an account as there is room and rate for."""
    queued = board.of(account, Stage.QUEUED)
    window_s = kit.times.margin_s + kit.times.skew_s
    room = RUNNING_AT_MOST - board.busy(account, kit.now(), window_s)
    gate = kit.ledger.gate(account)
    while queued and room > 0 and kit.now() < board.deadline:
        now = kit.now()
        if now < gate.next_send:
            board.sends[account] = gate.next_send
            return
        held = fairest(queued, gate.cursor)
        moved = kit.ledger.move_gate(
            gate, kit.token(), next_send=now + SEND_EVERY_S, cursor=held.owner, free=0
        )
        if moved is None:
            return
        gate = moved
        queued.remove(held)
        word = board.attempt(held, lambda held=held: _send(kit, held, board))  # type: ignore[misc]
        if word not in {"taken_by_another", "tidied"} and held.name not in board.aside:
            room -= 1
        if queued and room > 0:
            kit.sleep(max(0.0, gate.next_send - kit.now()))
    _open(kit, gate, room, waiting=bool(queued))


def _open(kit: Kit, gate: Gate, room: int, *, waiting: bool) -> None:
    """Tell the posts how many they may send directly: none while anybody waits."""
    free = 0 if waiting else max(room, 0)
    calm = kit.now() >= gate.next_send
    if gate.meta is not None and calm and (free != gate.free or gate.strikes):
        kit.ledger.move_gate(gate, kit.token(), free=free, strikes=0)


def reopen(kit: Kit, account: str) -> None:
    """Nothing is pending any more: the next posts may be sent directly again.

    Raises:
        ApiError: the bucket does not answer; they are queued then, and a tick sends them.
    """
    _open(kit, kit.ledger.gate(account), RUNNING_AT_MOST, waiting=False)


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


def _send(kit: Kit, held: Held, board: Board) -> str:
    # Before anything is written: a record that cannot be read is left as it is.
    intent = kit.jobs.intent(held)
    if intent is None:
        return "taken_by_another"
    if already(kit, held):
        return "tidied"
    taken = kit.jobs.patch(held, lease(kit, held.state))
    if taken is None:
        return "taken_by_another"
    board.jobs[held.name] = taken
    send(kit, taken, intent)
    return "sent"


def expire(kit: Kit, held: Held) -> str:
    """End a job that waited its whole deadline without being sent; nobody else can send it then."""
    intent = kit.jobs.intent(held)
    if intent is None:
        return "taken_by_another"
    taken = kit.jobs.patch(held, lease(kit, held.state))
    if taken is None:
        return "taken_by_another"
    if already(kit, taken):
        return "tidied"
    if kit.now() > taken.state.until:
        return "taken_by_another"
    failure = Failure(
        "expired",
        "The job waited in the queue until its deadline and was never sent; nothing was paid.",
        retryable=True,
        upstream_code=held.state.reason or None,
    )
    finish(kit, taken, intent, Verdict(Status.EXPIRED, kit.now(), failure))
    return "expired"
