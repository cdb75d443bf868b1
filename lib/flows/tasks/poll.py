"""Following running tasks: one list call for many, single queries only for those that ended.

One process at a time asks an account's upstream, whoever ticks or reads: it holds the account's
poll lease. The upstream is never asked about a task before it can have ended, and never because a
reader asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import ApiError
from lib.core.jobs.job import Stage
from lib.core.protocol.decide import Copy, End, decide
from lib.core.upstream.outcomes import ENDED, Listing, QueryFailed
from lib.core.upstream.reader import classify
from lib.flows.tasks.account import upstream_of
from lib.flows.tasks.copy import copy_film, give_up, retry_at
from lib.flows.tasks.evidence import look_over
from lib.flows.tasks.finish import finish
from lib.flows.tick_state import legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import State
    from lib.core.upstream.outcomes import Row
    from lib.flows.context import Context
    from lib.flows.tick_state import TickState

QUERY_GAP_S = 0.125  # at most 8 queries a second from the lease's holder; the account has 20
EARLIEST = 0.3  # the share of a model's usual duration before which hardly anything ends
UNLISTED_EVERY_S = 30.0  # a task that a good list does not show: the list may lag
# A task that the list calls alive so many times its usual duration after: the list may be wrong.
LATE, LATE_AT_LEAST_S, LATE_EVERY_S = 2.0, 300.0, 60.0
FAILS_AT_MOST = 4
PAUSE_AT_MOST_S = 300.0  # however long the upstream asks us to wait


def first_look(context: Context, state: State) -> float:
    """When a job's task may have ended at the earliest, Unix seconds."""
    if state.stage is Stage.COPYING:
        # Two clocks may differ: whoever takes over must be later than the holder by both.
        return state.until + context.times.skew_s
    if state.tries:
        return retry_at(state)
    fixed = context.times.first_look_s
    return state.accepted_at + (EARLIEST * state.eta_s if fixed is None else fixed)


@dataclass(frozen=True)
class Looked:
    """What one list call has shown.

    Attributes:
        due: jobs whose task may have ended.
        rows: task id to its row; None when the list failed.
        freed: whether it shows tasks that have ended since the last look.
    """

    due: list[Held]
    rows: dict[str, Row] | None
    freed: bool


def poll(context: Context, account: str, tick_state: TickState) -> None:
    """Look at the account's tasks that may have ended, and act on what is found.

    Raises:
        ApiError: the bucket does not answer.
    """
    if looked := look(context, account, tick_state):
        see(context, account, looked, tick_state)


def look(context: Context, account: str, tick_state: TickState) -> Looked | None:
    """One list call for all tasks of an account, if one is due; None where nothing is to be done.

    Raises:
        ApiError: the bucket does not answer.
    """
    now = context.now()
    watched = tick_state.of(account, Stage.RUNNING, Stage.COPYING)
    found = [held for held in watched if upstream_of(context, held.state)]
    due = [held for held in found if now >= first_look(context, held.state)]
    if not due or not may_list(context, account, tick_state):
        return None
    listing = context.upstreams[account].list()
    tick_state.count("lists")
    if isinstance(listing, Listing):
        tick_state.fails.pop(account, None)
        look_over(context, account, listing, tick_state)
        rows = listing.known()
        return Looked(due, rows, freed=_note_ended(found, rows, tick_state))
    _list_failed(context, account, tick_state, listing)
    return None if listing.limited else Looked(due, None, freed=False)


def see(context: Context, account: str, looked: Looked, tick_state: TickState) -> None:
    """Act on what a list has shown: each task that may have ended, its film copied.

    Args:
        context: what the flows work with.
        account: whose tasks.
        looked: what the list has shown.
        tick_state: of this tick.
    """
    for held in tick_state.each(
        f"watch-{account}", looked.due, lambda: context.now() >= tick_state.deadline
    ):
        tick_state.attempt(held, _see, context, held, tick_state, looked.rows)


def _note_ended(found: Iterable[Held], rows: Mapping[str, Row], tick_state: TickState) -> bool:
    """A task that has ended holds no place upstream, whatever becomes of its film.

    Returns:
        Whether one of them was not known to have ended.
    """
    ended = {
        held.name
        for held in found
        if (row := rows.get(held.state.task_id)) is not None and row.status in ENDED
    }
    fresh = ended - tick_state.ended
    tick_state.ended |= fresh
    return bool(fresh)


def may_list(context: Context, account: str, tick_state: TickState) -> bool:
    """Whether this tick may list the account's tasks now; takes its poll lease if that is free.

    Raises:
        ApiError: the bucket does not answer.
    """
    now = context.now()
    if now < tick_state.listed.get(account, 0.0):
        return False
    if account not in tick_state.poll_leases:
        found = context.ledger.poll_lease(account)
        if now < found.until:
            tick_state.listed[account] = min(found.until, now + context.times.relist_s)
            return False
        taken = context.ledger.move_poll_lease(found, context.token(), until=tick_state.deadline)
        if taken is None:
            tick_state.listed[account] = now + context.times.list_every_s
            return False
        tick_state.poll_leases[account] = taken
        if now < found.next_list <= now + context.times.list_every_s:
            tick_state.listed[account] = found.next_list
            return False
    tick_state.listed[account] = now + context.times.list_every_s
    return True


def hand_over(context: Context, tick_state: TickState) -> None:
    """Give the poll leases back, so that the next to come need not wait for their end."""
    for account, held in tick_state.poll_leases.items():
        if context.now() >= max(tick_state.deadline, tick_state.listed[account]):
            continue  # it has ended by itself, and nobody need wait for the next list
        try:
            context.ledger.move_poll_lease(
                held, context.token(), until=0.0, next_list=tick_state.listed[account]
            )
        except ApiError:
            # It ends by itself.
            logs.event("watch.kept", account=account)


def _list_failed(
    context: Context, account: str, tick_state: TickState, failed: QueryFailed
) -> None:
    # Single queries do for tasks that no list shows.
    logs.event("tick.list_failed", account=account, reason=failed.why)
    tick_state.fails[account] = min(tick_state.fails[account] + 1, FAILS_AT_MOST)
    pause_s = failed.retry_after_s or context.times.list_every_s * 2.0 ** tick_state.fails[account]
    tick_state.listed[account] = context.now() + min(pause_s, PAUSE_AT_MOST_S)


def _see(
    context: Context, held: Held, tick_state: TickState, rows: dict[str, Row] | None
) -> str | None:
    """One task: what its row says, or a single query where that is not enough."""
    now = context.now()
    row = rows.get(held.state.task_id) if rows is not None else None
    lives = row is not None and row.status not in ENDED
    if lives:
        _clear_reason(context, held, tick_state)
    if (
        lives and not (tick_state.thorough and late(held.state, now))
    ) or now < tick_state.looks.get(held.name, 0.0):
        return None
    every_s = context.times.single_every_s if row or rows is None else UNLISTED_EVERY_S
    tick_state.looks[held.name] = now + (LATE_EVERY_S if lives else every_s)
    if not legible(context, held, tick_state):
        return None
    context.sleep(QUERY_GAP_S)
    return _look(context, tick_state.jobs.get(held.name, held), tick_state)


def late(state: State, now: float) -> bool:
    """Whether a task should have ended long ago, so that a list that calls it alive is doubted.

    Args:
        state: of its job.
        now: Unix seconds.
    """
    return now - state.accepted_at > max(LATE * state.eta_s, LATE_AT_LEAST_S)


def _look(context: Context, held: Held, tick_state: TickState) -> str | None:
    report = context.upstreams[held.state.account].get(held.state.task_id)
    tick_state.count("gets")
    if isinstance(report, QueryFailed):
        logs.event("tick.get_failed", job=held.id, reason=report.why)
        if report.retry_after_s:
            pause_s = min(report.retry_after_s, PAUSE_AT_MOST_S)
            tick_state.looks[held.name] = context.now() + pause_s
        if not report.limited:
            _set_reason(context, held, tick_state, report.kind.code)
        return "query_failed"
    if report.status in ENDED:
        tick_state.ended.add(held.name)
    decision = decide(held.state, report, context.now(), context.times.give_up_s, classify)
    if isinstance(decision, Copy):
        return copy_film(context, held, report, hurried=tick_state.hurried)
    if isinstance(decision, End) and not decision.final:
        return give_up(context, held, decision.verdict)
    if isinstance(decision, End):
        intent = context.jobs.intent(held)
        if intent:
            finish(context, held, intent, decision.verdict)
            logs.event("job.ended", job=held.id, status=str(decision.verdict.status))
        return str(decision.verdict.status)
    _clear_reason(context, held, tick_state)
    return None


def _clear_reason(context: Context, held: Held, tick_state: TickState) -> None:
    """The upstream answers again: nothing is wrong any more, unless it is the copy."""
    if held.state.reason and not held.state.tries:
        _set_reason(context, held, tick_state, "")


def _set_reason(context: Context, held: Held, tick_state: TickState, reason: str) -> None:
    """Let the owner see why a running job waits; written when it changes, not at every look."""
    if held.state.stage is not Stage.RUNNING or held.state.reason == reason:
        return
    if not legible(context, held, tick_state):
        return
    state = held.state.to(Stage.RUNNING, by=context.token(), now=held.state.since, reason=reason)
    context.jobs.patch(held, state)
