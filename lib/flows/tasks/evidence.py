"""What the upstream's task list and the bucket say of each other, read in the order that is safe.

List, then `pending/`, then claims: whatever the list shows and the two others do not know is ours
to explain. Learns how the list names our API keys, and raises the alarm for a task of ours that no
job knows: it was paid beside the rules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.core.jobs.job import Stage
from lib.core.outside.numbers import number
from lib.core.outside.records import MOMENT_AT_MOST
from lib.core.protocol.evidence import DISPUTED, Doubt, Evidence, known_keys, unclaimed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.state.jobs import Held
    from lib.core.upstream.outcomes import Listing
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

DOUBTFUL = (Stage.SENDING, Stage.UNSURE)


def look_over(context: Context, account: str, listing: Listing, tick_state: TickState) -> None:
    """Whether a list that was read for other reasons shows a task that no job of ours knows.

    Costs nothing while every row is known; otherwise `pending/` and the claims are read once.

    Args:
        context: what the flows work with.
        account: whose list.
        listing: just read.
        tick_state: the tick's memory.

    Raises:
        ApiError: the bucket does not answer.
    """
    key = context.upstreams[account].key_id
    recorded = {h.state.task_id: h.state.key for h in tick_state.jobs.values() if h.state.task_id}
    seen = Evidence(listing, recorded, {}, ())
    context.accounts.learn(account, key, known_keys(listing.rows, seen, key))
    ours, young = context.accounts.key_ids(account, key), listing.at - context.times.lease_s
    strange = any(
        row.api_key_id in ours
        and row.task_id not in recorded
        and not context.accounts.settled(account, row.task_id)
        and (row.created_at or 0.0) < young
        for row in listing.rows
    )
    if strange:
        take_notice(context, account, read_evidence(context, account, listing))
    else:
        context.accounts.settle(account, recorded)


def take_notice(context: Context, account: str, evidence: Evidence) -> None:
    """Learn how the list names our key, and raise the alarm for tasks that no job explains.

    Args:
        context: what the flows work with.
        account: whose list.
        evidence: list, pending and claims in their order.

    Raises:
        ApiError: the bucket does not answer.
    """
    key = context.upstreams[account].key_id
    rows = evidence.listing.rows if evidence.listing else ()
    context.accounts.learn(account, key, known_keys(rows, evidence, key))
    ours = replace(evidence, key_ids=context.accounts.key_ids(account, key))
    for task_id in unclaimed(ours, context.times.window):
        # Disputed: nobody adopts it later, and the alarm is raised once.
        if context.ledger.dispute(account, task_id) == DISPUTED:
            logs.event("upstream.late_task", account=account, task=task_id)
    context.accounts.settle(account, {*evidence.recorded, *evidence.claims})


def read_evidence(context: Context, account: str, listing: Listing | None) -> Evidence:
    """What the bucket says, read after the list: pending, then claims.

    Raises:
        ApiError: the bucket does not answer.
    """
    inbox = context.jobs.inbox()
    pending = [held for held in inbox.jobs if held.state.account == account]
    odd = [one.meta.metadata for one in inbox.unreadable if one.may_have_task]
    odd = [card for card in odd if card.get("account") in {None, "", account}]
    recorded = {held.state.task_id: held.state.key for held in pending if held.state.task_id}
    recorded |= {str(card["task_id"]): "" for card in odd if card.get("task_id")}
    doubts = [doubt_of(held) for held in pending if held.state.stage in DOUBTFUL]
    doubts += [found for card in odd if (found := _odd_doubt(card))]
    return Evidence(listing, recorded, context.ledger.claims(account), tuple(doubts))


def _odd_doubt(card: Mapping[str, str]) -> Doubt | None:
    """A job that this revision cannot read, if its lease says when a task can have been made.

    What may be in doubt keeps `since` and `until` in every revision; anything else is spoilt, and a
    task that would be adopted in its place is told apart by its prompt.
    """
    since, until = (number(card.get(name), 0.0, MOMENT_AT_MOST) for name in ("since", "until"))
    if card.get("task_id") or since is None or until is None or until <= since:
        return None
    return Doubt("unreadable", str(card.get("model") or "") or None, since, until)


def doubt_of(held: Held) -> Doubt:
    """The doubt that a `sending` or `unsure` job stands for."""
    state = held.state
    return Doubt(held.id, state.model, state.since, state.until, key=state.key, owner=held.owner)
