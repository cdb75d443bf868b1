"""What to do about submits whose answer was lost: read in the safe order, decide, act.

Reading: verdict, upstream list, `pending/`, claims. The decision itself is `core.reconcile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.job import Stage
from lib.core.reconcile import Adopt, Doubt, Evidence, GiveUp, SendAgain, Window, conclude
from lib.core.upstream import Listing
from lib.flows.deliver import UNSETTLED, unknown
from lib.flows.finish import already, finish
from lib.flows.home import home
from lib.flows.watch import may_list

if TYPE_CHECKING:
    from lib.adapters.jobs import Held
    from lib.flows.board import Board
    from lib.flows.kit import Kit

EVERY_S = 15.0
DOUBTFUL = (Stage.SENDING, Stage.UNSURE)


def reconcile(kit: Kit, account: str, board: Board) -> None:
    """Try to settle every `unsure` job of an account."""
    unsettled = [held for held in board.of(account, Stage.UNSURE) if home(kit, held.state)]
    memory = f"reconcile {account}"
    if not unsettled or kit.now() < board.looks.get(memory, 0.0):
        return
    if not may_list(kit, account, board):
        return
    board.looks[memory] = kit.now() + EVERY_S
    waiting = [held for held in unsettled if not already(kit, held)]
    evidence = _evidence(kit, account)
    board.done["lists"] += 1
    for held in waiting:
        board.attempt(held, lambda held=held: _settle(kit, held, evidence))  # type: ignore[misc]


def _evidence(kit: Kit, account: str) -> Evidence:
    listing = kit.upstreams[account].list()
    pending = [held for held in kit.jobs.pending() if held.state.account == account]
    return Evidence(
        listing=listing if isinstance(listing, Listing) else None,
        recorded={held.state.task_id: held.state.key for held in pending if held.state.task_id},
        claims=kit.ledger.claims(account),
        doubts=tuple(_doubt(held) for held in pending if held.state.stage in DOUBTFUL),
    )


def _doubt(held: Held) -> Doubt:
    state = held.state
    return Doubt(held.id, state.model, state.since, state.until, state.key)


def _settle(kit: Kit, held: Held, evidence: Evidence) -> str | None:
    times = kit.times
    window = Window(times.lease_s, times.margin_s, times.delay_s, times.skew_s)
    conclusion = conclude(_doubt(held), evidence, window, kit.now())
    if isinstance(conclusion, Adopt):
        return _adopt(kit, held, conclusion.task_id)
    if isinstance(conclusion, SendAgain):
        state = held.state.to(
            Stage.QUEUED, by=kit.token(), now=kit.now(), tries=held.state.tries + 1
        )
        return "requeued" if kit.jobs.patch(held, state) else "taken_by_another"
    if isinstance(conclusion, GiveUp):
        return give_up_doubt(kit, held, conclusion.candidates)
    return None


def _adopt(kit: Kit, held: Held, task_id: str) -> str:
    if kit.ledger.claim(held.state.account, task_id, held.id, held.state.key) != held.id:
        return "taken_by_another"
    now = kit.now()
    state = held.state.to(
        Stage.RUNNING,
        by=kit.token(),
        now=now,
        accepted_at=held.state.since,
        task_id=task_id,
        adopted=True,
        tries=0,
        reason="",
    )
    if kit.jobs.patch(held, state) is None:
        return "taken_by_another"
    logs.event("submit.adopted", job=held.id, task=task_id)
    return "adopted"


def give_up_doubt(kit: Kit, held: Held, candidates: tuple[str, ...], why: str = UNSETTLED) -> str:
    """`submit_unknown`, in the order that no late answer can slip through.

    Args:
        kit: the hands.
        held: the job, `unsure`.
        candidates: upstream tasks that might be its own; nobody else may have them afterwards.
        why: a sentence that says why it cannot be known.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; a later tick tries again.
    """
    # A fresh `by` freezes the sender out: its late answer can no longer move the job.
    state = held.state.to(
        Stage.UNSURE,
        by=kit.token(),
        now=held.state.since,
        until=held.state.until,
        reason="submit_unknown",
    )
    frozen = kit.jobs.patch(held, state)
    if frozen is None:
        return "taken_by_another"
    for task_id in candidates:
        if kit.ledger.dispute(held.state.account, task_id) == held.id:
            return _adopt(kit, frozen, task_id)
    intent = kit.jobs.intent(frozen)
    if intent is None:
        return "taken_by_another"
    finish(kit, frozen, intent, unknown(kit.now(), candidates, why))
    logs.event("submit.unknown", job=held.id, candidates=len(candidates))
    return "submit_unknown"
