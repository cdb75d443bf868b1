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
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

EVERY_S = 15.0
ASKED_AT_MOST = 8  # single queries of one round; the next round asks on


def reconcile(context: Context, account: str, tick_state: TickState) -> None:
    """Try to settle every `unsure` job of an account.

    Raises:
        ApiError: the bucket does not answer.
    """
    unsettled = [
        held for held in tick_state.of(account, Stage.UNSURE) if upstream_of(context, held.state)
    ]
    memory = f"reconcile {account}"
    if not unsettled or context.now() < tick_state.looks.get(memory, 0.0):
        return
    if not may_list(context, account, tick_state):
        return
    tick_state.looks[memory] = context.now() + EVERY_S
    waiting = _in_doubt(context, account, unsettled, tick_state)
    listing = context.upstreams[account].list()
    tick_state.count("lists")
    trusted = not clocks.halted(context, account, tick_state)
    whole = listing if isinstance(listing, Listing) and trusted else None
    evidence = read_evidence(context, account, whole)
    if whole:
        take_notice(context, account, evidence)
    for held in tick_state.each(
        f"settle-{account}", waiting, lambda: context.now() >= tick_state.deadline
    ):
        tick_state.attempt(held, _settle, context, held, evidence, tick_state)


def _in_doubt(
    context: Context, account: str, unsettled: list[Held], tick_state: TickState
) -> list[Held]:
    """Those that have no verdict yet, each read alone, before the list is."""
    turn = tick_state.each(
        f"doubt-{account}", unsettled, lambda: context.now() >= tick_state.deadline
    )
    return [
        held
        for held in turn
        if tick_state.attempt(held, _verdict_or_doubt, context, held) == "in_doubt"
    ]


def _verdict_or_doubt(context: Context, held: Held) -> str:
    return "tidied" if close_if_ended(context, held) else "in_doubt"


def _settle(context: Context, held: Held, evidence: Evidence, tick_state: TickState) -> str | None:
    doubt, account = doubt_of(held), held.state.account
    evidence = replace(
        evidence, key_ids=context.accounts.key_ids(account, doubt.key), prompts=tick_state.prompts
    )
    conclusion = conclude(doubt, evidence, context.times.window, context.now())
    if isinstance(conclusion, Ask):
        for task_id in conclusion.task_ids[:ASKED_AT_MOST]:
            _ask(context, account, task_id, tick_state)
    if tick_state.prompts and isinstance(conclusion, Ask | Wait | GiveUp):
        doubts = _with_prompts(context, evidence.doubts)
        doubt = next((one for one in doubts if one.id == doubt.id), doubt)
        evidence = replace(evidence, doubts=doubts)
        conclusion = conclude(doubt, evidence, context.times.window, context.now())
    if isinstance(conclusion, Adopt):
        return _adopt(context, held, conclusion.task_id)
    if isinstance(conclusion, SendAgain):
        state = held.state.to(
            Stage.QUEUED,
            by=context.token(),
            now=context.now(),
            tries=held.state.tries + 1,
            reason="",
        )
        return "requeued" if context.jobs.patch(held, state) else "taken_by_another"
    if isinstance(conclusion, GiveUp):
        return give_up_doubt(context, held, conclusion.candidates, conclusion.why)
    return None


def _ask(context: Context, account: str, task_id: str, tick_state: TickState) -> None:
    """Which prompt an ended task was made with; a failed one does not tell."""
    context.sleep(QUERY_GAP_S)
    report = context.upstreams[account].get(task_id)
    tick_state.count("gets")
    if isinstance(report, Report) and report.status in ENDED:
        tick_state.prompts[task_id] = report.orig_prompt


def _with_prompts(context: Context, doubts: tuple[Doubt, ...]) -> tuple[Doubt, ...]:
    found = []
    for doubt in doubts:
        held = context.jobs.live(doubt.owner, doubt.id) if doubt.owner else None
        intent = context.jobs.intent(held) if held else None
        prompt = (intent.request.prompt or "") if intent else None
        found.append(replace(doubt, prompt=prompt))
    return tuple(found)


def _adopt(context: Context, held: Held, task_id: str) -> str:
    if context.ledger.claim(held.state.account, task_id, held.id, held.state.key) != held.id:
        return "taken_by_another"
    now = context.now()
    state = held.state.to(
        Stage.RUNNING,
        by=context.token(),
        now=now,
        accepted_at=held.state.since,
        task_id=task_id,
        adopted=True,
        tries=0,
        reason="",
    )
    if context.jobs.patch(held, state) is None:
        return "taken_by_another"
    logs.event("submit.adopted", job=held.id, task=task_id)
    return "adopted"


def give_up_doubt(
    context: Context, held: Held, candidates: tuple[str, ...], why: str = UNSETTLED
) -> str:
    """`submit_unknown`, in the order that no late answer can slip through.

    Args:
        context: what the flows work with.
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
        by=context.token(),
        now=held.state.since,
        until=held.state.until,
        reason=SUBMIT_UNKNOWN.code,
    )
    frozen = context.jobs.patch(held, state)
    if frozen is None:
        return "taken_by_another"
    for task_id in candidates:
        if context.ledger.dispute(held.state.account, task_id) == held.id:
            return _adopt(context, frozen, task_id)
    intent = context.jobs.intent(frozen)
    if intent is None:
        return "taken_by_another"
    finish(context, frozen, intent, unknown(context.now(), candidates, why))
    logs.event("submit.unknown", job=held.id, candidates=len(candidates), reason=why)
    return "submit_unknown"
