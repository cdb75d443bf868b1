"""One tick: carry every pending job as far as it will go, until shortly before the deadline.

Ticks may overlap, run twice and die anywhere: each step is one conditional write, and the next tick
goes on from what the bucket says. Returns at once when nothing is pending: an idle tick costs one
list, and one more, of the outbox, where owners have secrets for webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib import logs
from lib.core.errors import ApiError
from lib.core.job import Stage, Status, Verdict
from lib.flows import outbox, queue
from lib.flows.board import Board
from lib.flows.delete import tidy
from lib.flows.finish import already, finish
from lib.flows.home import home
from lib.flows.reconcile import reconcile
from lib.flows.send import unsure
from lib.flows.stranded import strand
from lib.flows.watch import first_look, hand_over, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.adapters.jobs import Held
    from lib.flows.kit import Kit

PAUSE_AT_LEAST_S = 0.5


def tick(kit: Kit) -> dict[str, Any]:
    """Work until the budget is used up or nothing is pending.

    Returns:
        The summary: what happened, by word, and how many jobs are still pending.

    Raises:
        ApiError: the bucket cannot be listed; the next tick is the retry.
    """
    started = kit.now()
    board = Board(started + kit.times.tick_budget_s)
    try:
        rounds = _rounds(kit, board)
    finally:
        hand_over(kit, board)
    summary = {
        "object": "tick",
        "pending": len(board.jobs),
        "rounds": rounds,
        "seconds": round(kit.now() - started, 3),
        **board.done,
    }
    logs.event("tick.done", **summary)
    return summary


def _rounds(kit: Kit, board: Board) -> int:
    rounds = 0
    while True:
        board.relist(kit.jobs.pending())
        rounds += 1
        if all(held.state.stage is Stage.DELETING for held in board.jobs.values()):
            for held in list(board.jobs.values()):
                board.attempt(held, lambda held=held: tidy(kit, held))  # type: ignore[misc]
            if rounds > 1:
                _each_account(kit, lambda account: queue.reopen(kit, account), board)
            _tell(kit, board)
            return rounds
        _round(kit, board)
        _tell(kit, board)
        pause_s = max(PAUSE_AT_LEAST_S, _next_due(kit, board) - kit.now())
        if kit.now() + pause_s >= board.deadline:
            return rounds
        kit.sleep(pause_s)


def _round(kit: Kit, board: Board) -> None:
    for held in list(board.jobs.values()):
        board.attempt(held, lambda held=held: _mend(kit, held, board))  # type: ignore[misc]
    for step in (reconcile, watch, queue.serve):
        _each_account(kit, lambda account, step=step: step(kit, account, board), board)  # type: ignore[misc]


def _tell(kit: Kit, board: Board) -> None:
    try:
        outbox.serve(kit, board)
    except ApiError as error:
        board.done["errors"] += 1
        logs.event("tick.webhooks_wait", reason=error.kind.code)


def _each_account(kit: Kit, step: Callable[[str], None], board: Board) -> None:
    for account in kit.upstreams:
        try:
            step(account)
        except ApiError as error:
            # The bucket did not answer for this account; the others go on.
            board.done["errors"] += 1
            logs.event("tick.account_waits", account=account, reason=error.kind.code)


def _mend(kit: Kit, held: Held, board: Board) -> str | None:
    """The steps that need no upstream: leases that ran out, owners' cancels, deadlines."""
    state, now = held.state, kit.now()
    if state.stage is Stage.SENDING and now > state.until:
        # Whoever held the lease may have sent: never back to queued from here.
        if changed := unsure(kit, held):
            board.jobs[held.id] = changed
        return "unsure"
    if state.stage is Stage.CANCELLED:
        if already(kit, held):
            return "tidied"
        if intent := kit.jobs.intent(held):
            finish(kit, held, intent, Verdict(Status.CANCELLED, now))
        return "cancelled"
    if state.stage is Stage.DELETING:
        return tidy(kit, held)
    if state.stage is Stage.QUEUED and now - held.meta.created_at > kit.times.queue_deadline_s:
        return queue.expire(kit, held)
    return None if home(kit, state) else strand(kit, held)


def _next_due(kit: Kit, board: Board) -> float:
    """When something can happen next, Unix seconds; at the latest when the listing is stale."""
    now = kit.now()
    opening = [at for at in board.sends.values() if at > now]
    due = min([now + kit.times.relist_s, *opening])
    for held in board.jobs.values():
        if held.state.stage in {Stage.RUNNING, Stage.COPYING} and home(kit, held.state):
            listed = board.listed.get(held.state.account, 0.0)
            due = min(due, max(first_look(kit, held.state), listed))
    return due
