"""What to do about submits whose answer was lost: read in the safe order, decide, act.

Reading: verdict, upstream list, `pending/`, claims. The decision itself is `core.reconcile`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import SUBMIT_UNKNOWN
from lib.core.jobs.job import Stage
from lib.core.protocol.reconcile import Adopt, Ask, GiveUp, SendAgain, Wait, conclude
from lib.core.upstream.outcomes import ENDED, Listing, Report
from lib.flows.tasks import clocks
from lib.flows.tasks.account import upstream_of
from lib.flows.tasks.evidence import doubt_of, read_evidence, take_notice
from lib.flows.tasks.finish import close_if_ended, finish
from lib.flows.tasks.poll import QUERY_GAP_S, may_list
from lib.flows.tasks.verdicts import UNSETTLED, unknown

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.core.protocol.evidence import Doubt, Evidence
    from lib.flows.context import Kit
    from lib.flows.tick_state import Board

EVERY_S = 15.0
ASKED_AT_MOST = 8  # single queries of one round; the next round asks on


def reconcile(kit: Kit, account: str, board: Board) -> None:
    """Try to settle every `unsure` job of an account.

    Raises:
        ApiError: the bucket does not answer.
    """
    unsettled = [held for held in board.of(account, Stage.UNSURE) if upstream_of(kit, held.state)]
    memory = f"reconcile {account}"
    if not unsettled or kit.now() < board.looks.get(memory, 0.0):
        return
    if not may_list(kit, account, board):
        return
    board.looks[memory] = kit.now() + EVERY_S
    waiting = _in_doubt(kit, account, unsettled, board)
    listing = kit.upstreams[account].list()
    board.done["lists"] += 1
    trusted = not clocks.halted(kit, account, board)
    whole = listing if isinstance(listing, Listing) and trusted else None
    evidence = read_evidence(kit, account, whole)
    if whole:
        take_notice(kit, account, evidence)
    for held in board.each(f"settle-{account}", waiting, lambda: kit.now() >= board.deadline):
        board.attempt(held, _settle, kit, held, evidence, board)


def _in_doubt(kit: Kit, account: str, unsettled: list[Held], board: Board) -> list[Held]:
    """Those that have no verdict yet, each read alone, before the list is."""
    turn = board.each(f"doubt-{account}", unsettled, lambda: kit.now() >= board.deadline)
    return [
        held for held in turn if board.attempt(held, _verdict_or_doubt, kit, held) == "in_doubt"
    ]


def _verdict_or_doubt(kit: Kit, held: Held) -> str:
    return "tidied" if close_if_ended(kit, held) else "in_doubt"


def _settle(kit: Kit, held: Held, evidence: Evidence, board: Board) -> str | None:
    doubt, account = doubt_of(held), held.state.account
    evidence = replace(
        evidence, key_ids=kit.accounts.key_ids(account, doubt.key), prompts=board.prompts
    )
    conclusion = conclude(doubt, evidence, kit.times.window, kit.now())
    if isinstance(conclusion, Ask):
        for task_id in conclusion.task_ids[:ASKED_AT_MOST]:
            _ask(kit, account, task_id, board)
    if board.prompts and isinstance(conclusion, Ask | Wait | GiveUp):
        doubts = _with_prompts(kit, evidence.doubts)
        doubt = next((one for one in doubts if one.id == doubt.id), doubt)
        evidence = replace(evidence, doubts=doubts)
        conclusion = conclude(doubt, evidence, kit.times.window, kit.now())
    if isinstance(conclusion, Adopt):
        return _adopt(kit, held, conclusion.task_id)
    if isinstance(conclusion, SendAgain):
        state = held.state.to(
            Stage.QUEUED, by=kit.token(), now=kit.now(), tries=held.state.tries + 1, reason=""
        )
        return "requeued" if kit.jobs.patch(held, state) else "taken_by_another"
    if isinstance(conclusion, GiveUp):
        return give_up_doubt(kit, held, conclusion.candidates, conclusion.why)
    return None


def _ask(kit: Kit, account: str, task_id: str, board: Board) -> None:
    """Which prompt an ended task was made with; a failed one does not tell."""
    kit.sleep(QUERY_GAP_S)
    report = kit.upstreams[account].get(task_id)
    board.done["gets"] += 1
    if isinstance(report, Report) and report.status in ENDED:
        board.prompts[task_id] = report.orig_prompt


def _with_prompts(kit: Kit, doubts: tuple[Doubt, ...]) -> tuple[Doubt, ...]:
    found = []
    for doubt in doubts:
        held = kit.jobs.live(doubt.owner, doubt.id) if doubt.owner else None
        intent = kit.jobs.intent(held) if held else None
        prompt = (intent.request.prompt or "") if intent else None
        found.append(replace(doubt, prompt=prompt))
    return tuple(found)


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
        kit: what the flows work with.
        held: the job, `unsure`.
        candidates: upstream tasks that might be its own; nobody else may have them afterwards.
        why: the reason why it cannot be known, as a sentence.

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
        reason=SUBMIT_UNKNOWN.code,
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
    logs.event("submit.unknown", job=held.id, candidates=len(candidates), reason=why)
    return "submit_unknown"
