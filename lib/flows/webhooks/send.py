"""Sends the webhooks that are due: at least once each, about eight tries over a day.

An entry under `outbox/` is taken by a conditional patch that already counts the try, so that a
process that dies on the way costs one try and never makes an endless loop. What was delivered is
marked on the finished job before the entry goes: whoever writes an entry late finds the mark and
sends nothing. A receiver's answer is never kept or logged beyond its status.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.outbound.fetch import FetchFailed
from lib.adapters.state.jobs import Tombstone
from lib.core import webhooks
from lib.core.outside import numbers
from lib.core.webhooks import Try

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.adapters.outbound.fetch import Answer
    from lib.adapters.state.outbox import Entry
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

TRY_S = 15.0  # Standard Webhooks, "Considerations": 15 to 30 seconds
LEASE_S = 90.0  # a batch: eight leases with their pauses, one try, eight outcomes
AT_ONCE, AT_ONCE_OF_HOST = 8, 4
SHARE_S = 20.0  # of a tick that has films to copy
WAIT_AT_MOST_S = 48 * 3600.0  # no try of ours is due later than that from now


@dataclass(frozen=True)
class Attempt:
    """A try that is about to be made."""

    entry: Entry
    url: str
    body: bytes
    headers: Mapping[str, str]


def serve(context: Context, tick_state: TickState) -> None:
    """Make the tries that are due: owners in turn, few at once for one host, in the tick's time.

    Costs one list; none where no owner has a secret.

    Raises:
        ApiError: the outbox cannot be listed; the next tick is the retry.
    """
    if not context.webhook_secrets:
        return
    began = context.now()
    left_s = SHARE_S - tick_state.webhooks_s if tick_state.jobs else tick_state.deadline - began
    entries, unreadable = context.outbox.inbox()
    for name, why in unreadable.items():
        tick_state.odd(name, why)
    waiting = in_turns(entry for entry in entries if _due(context, entry))
    while waiting and (context.now() - began < left_s or not tick_state.webhooks_tried):
        if context.now() + TRY_S * bool(tick_state.webhooks_tried) > tick_state.deadline:
            tick_state.cut = True
            break
        batch, waiting = _batch(waiting, tick_state)
        taken = [tick_state.attempt(entry, _take, context, entry) for entry in batch]
        attempts = [attempt for attempt in taken if isinstance(attempt, Attempt)]
        answers = context.together([partial(_post, context, attempt) for attempt in attempts])
        for attempt, answer in zip(attempts, answers, strict=True):
            tick_state.webhooks_tried += 1
            tick_state.attempt(attempt.entry, _on_response, context, attempt, answer, tick_state)
    tick_state.webhooks_s += context.now() - began


def _due(context: Context, entry: Entry) -> bool:
    now = context.now()
    due = entry.next_at <= now or entry.next_at > now + WAIT_AT_MOST_S
    leased = now <= entry.until + context.times.skew_s <= now + WAIT_AT_MOST_S
    return due and not (entry.until and leased)


def in_turns(entries: Iterable[Entry]) -> list[Entry]:
    """Owners in turn, each owner's longest due first."""
    place: dict[str, int] = {}
    rows = []
    for entry in sorted(entries, key=lambda entry: entry.next_at):
        place[entry.owner] = turn = place.get(entry.owner, 0) + 1
        rows.append((turn, entry.next_at, entry.owner, entry))
    return [row[-1] for row in sorted(rows, key=lambda row: row[:3])]


def _batch(waiting: Iterable[Entry], tick_state: TickState) -> tuple[list[Entry], list[Entry]]:
    """The next few, at most some of one host, and those after them.

    A host that gave no answer waits for another tick: its entries are in neither.
    """
    batch: list[Entry] = []
    later: list[Entry] = []
    for entry in waiting:
        if entry.host in tick_state.silent:
            continue
        of_host = sum(other.host == entry.host for other in batch)
        full = len(batch) == AT_ONCE or of_host == AT_ONCE_OF_HOST
        (later if full else batch).append(entry)
    return batch, later


def _take(context: Context, entry: Entry) -> Attempt | str:
    """Take an entry and build the request of its try, or say why there is nothing to send."""
    _legible(context, entry)
    now = context.now()
    if entry.tries >= webhooks.TRIES:
        # The last try's process died with it.
        return _settle(context, entry, entry.log)
    number = (entry.log[-1].number if entry.log else entry.base) + 1
    wanted = replace(
        entry,
        by=context.token(),
        until=now + LEASE_S,
        next_at=now + LEASE_S + (webhooks.pause_s(number - entry.base) or 0.0),
        log=(*entry.log, Try(number, int(now), 0, "interrupted")),
    )
    taken = context.outbox.patch(entry, wanted)
    if taken is None:
        return "webhook_taken_by_another"
    try:
        job = context.jobs.finished(entry.owner, entry.id)
    except Tombstone:
        job = None
    settled = context.jobs.webhook_log(entry.owner, entry.id)
    if job is None or over(entry, settled):
        if job and (log := together(entry.log, settled)) != settled:
            context.jobs.settle_webhook(entry.owner, entry.id, log)
        context.outbox.drop(taken)
        return "webhook_needless"
    secrets = context.webhook_secrets.get(entry.owner)
    if not secrets:
        return _failed(context, taken, 0, "no_secret")
    body = webhooks.payload(job)
    headers = webhooks.headers(webhooks.message_id(entry.id), body, secrets, context.now())
    if context.now() + TRY_S > taken.until:
        return "webhook_late"
    return Attempt(taken, job.intent.request.webhook_url or "", body, headers)


def _legible(context: Context, entry: Entry) -> None:
    """Before anything is written: a job whose record cannot be read waits for who can read it."""
    context.jobs.webhook_log(entry.owner, entry.id)
    with suppress(Tombstone):
        context.jobs.finished(entry.owner, entry.id)


def together(log: tuple[Try, ...], settled: tuple[Try, ...]) -> tuple[Try, ...]:
    """Every try of two logs: who stood still at one of them does not know of those that came after.

    Args:
        log: of an entry.
        settled: of the finished job; where both know a try, this one knows what became of it.
    """
    known = {one.number: one for one in (*log, *settled)}
    return tuple(known[number] for number in sorted(known))


def over(entry: Entry, settled: tuple[Try, ...]) -> bool:
    """Whether the round of an entry is over already, by the log on the finished job."""
    return bool(settled) and settled[-1].number > entry.base


def _post(context: Context, attempt: Attempt) -> Answer | FetchFailed:
    try:
        return context.fetch.post(attempt.url, attempt.body, attempt.headers, total_s=TRY_S)
    except FetchFailed as failed:
        return failed


def _on_response(
    context: Context, attempt: Attempt, answer: Answer | FetchFailed, tick_state: TickState
) -> str:
    if isinstance(answer, FetchFailed):
        tick_state.silent.add(attempt.entry.host)
        return _failed(context, attempt.entry, 0, "no_answer")
    outcome = webhooks.outcome(answer.status)
    if outcome in webhooks.FINAL:
        return _settle(context, attempt.entry, _with(attempt.entry, answer.status, outcome))
    asked_s = retry_after_s(answer.headers.get("Retry-After", ""), context.now())
    return _failed(context, attempt.entry, answer.status, outcome, asked_s)


def _with(entry: Entry, status: int, outcome: str) -> tuple[Try, ...]:
    """The log with what became of the try under way."""
    return (*entry.log[:-1], replace(entry.log[-1], status=status, outcome=outcome))


def _failed(context: Context, entry: Entry, status: int, outcome: str, asked_s: float = 0.0) -> str:
    log = _with(entry, status, outcome)
    pause_s = webhooks.pause_s(entry.tries, asked_s)
    if pause_s is None:
        return _settle(context, entry, log)
    logs.event(
        "webhook.failed", job=entry.id, attempt=log[-1].number, status=status, outcome=outcome
    )
    next_at = context.now() + pause_s
    context.outbox.patch(
        entry, replace(entry, by=context.token(), until=0.0, next_at=next_at, log=log)
    )
    return "webhook_failed"


def _settle(context: Context, entry: Entry, log: tuple[Try, ...]) -> str:
    """The round is over: marked on the job first, so that nobody begins it again."""
    context.jobs.settle_webhook(entry.owner, entry.id, log)
    context.outbox.drop(entry)
    word = "delivered" if log[-1].outcome == "delivered" else "given_up"
    logs.event(
        f"webhook.{word}",
        job=entry.id,
        attempt=log[-1].number,
        status=log[-1].status,
        outcome=log[-1].outcome,
    )
    return f"webhook_{word}"


def retry_after_s(text: str, now: float) -> float:
    """Seconds that a Retry-After asks for; 0 when it says nothing usable (RFC 9110, 10.2.3)."""
    return numbers.retry_after_s(text, now, webhooks.RETRY_AFTER_AT_MOST_S) or 0.0
