"""One tick: carry every pending job as far as it will go, until shortly before the deadline.

Ticks may overlap, run twice and die anywhere: each step is one conditional write, and the next tick
goes on from what the bucket says. Returns at once when nothing is pending: an idle tick costs one
list, and one more, of the outbox, where owners have secrets for webhooks. Whatever is to be done,
it ends by its deadline and one step: every loop looks at the time, and what was left over comes
first in the next tick.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from lib import logs
from lib.adapters.state.ledger import Cursor
from lib.core.errors import ApiError
from lib.core.jobs.job import Stage, Status, Verdict
from lib.core.outside.records import RecordUnreadable
from lib.flows.tasks import queue
from lib.flows.tasks.account import upstream_of
from lib.flows.tasks.cleanup import cleanup
from lib.flows.tasks.finish import close_if_ended, finish
from lib.flows.tasks.poll import first_look, hand_over, look, see
from lib.flows.tasks.reconcile import reconcile
from lib.flows.tasks.send import unsure
from lib.flows.tasks.unreachable import mark_unreachable
from lib.flows.tick_state import TickState, legible
from lib.flows.webhooks import send as webhooks_send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lib.adapters.state.jobs import Held
    from lib.flows.context import Context

    Step = Callable[[Context, str, TickState], None]

PAUSE_AT_LEAST_S = 0.5
ACCOUNTS_AT_ONCE = 8
CUT_LIFE_S = 600.0  # for so long what a tick left over comes first
OF_ITS_ACCOUNT = frozenset({Stage.QUEUED, Stage.RUNNING, Stage.COPYING})
MEND, ACCOUNT = "mend", "account"  # words for loops, in the cursor


def tick(context: Context) -> dict[str, Any]:
    """Work until the budget is used up or nothing is pending.

    Returns:
        The summary: what happened, by word, and how many jobs are still pending.

    Raises:
        ApiError: the bucket cannot be listed; the next tick is the retry.
    """
    started = context.now()
    tick_state = TickState(started + context.times.tick_budget_s, thorough=True)
    context = tick_state.following(context)
    try:
        rounds = _rounds(context, tick_state)
    finally:
        hand_over(context, tick_state)
    summary = {
        "object": "tick",
        "pending": len(tick_state.jobs),
        "oldest_s": round(tick_state.oldest_s(context.now()), 3),
        "unreadable": len(tick_state.unreadable),
        "rounds": rounds,
        "seconds": round(context.now() - started, 3),
        **tick_state.done,
    }
    logs.event("tick.done", **summary)
    return summary


def _rounds(context: Context, tick_state: TickState) -> int:
    tick_state.take(context.jobs.inbox())
    cursor = _resume(context, tick_state)
    rounds, late = 1, context.now() - cursor.at < CUT_LIFE_S
    if late:
        # The tick before had no time left for what comes last: it comes first now.
        _send_webhooks(context, tick_state)
    while _live(tick_state):
        _round(context, tick_state, late=late and rounds == 1)
        _send_webhooks(context, tick_state)
        pause_s = max(PAUSE_AT_LEAST_S, _next_due(context, tick_state) - context.now())
        if context.now() + pause_s >= tick_state.deadline:
            _keep(context, tick_state, cursor)
            return rounds
        context.sleep(pause_s)
        tick_state.take(context.jobs.inbox())
        rounds += 1
    for held in tick_state.each(
        MEND, tick_state.jobs.values(), lambda: context.now() >= tick_state.deadline
    ):
        tick_state.attempt(held, cleanup, context, held)
    if rounds > 1:
        for account in _accounts(context, tick_state):
            _try_account(account, partial(queue.reopen, context, account), tick_state)
    _send_webhooks(context, tick_state)
    _keep(context, tick_state, cursor)
    return rounds


def _live(tick_state: TickState) -> bool:
    return any(held.state.stage is not Stage.DELETING for held in tick_state.jobs.values())


def _round(context: Context, tick_state: TickState, *, late: bool) -> None:
    # Half of what is left is for the mending, so that however many have run out at once, the
    # others go on.
    half = (context.now() + tick_state.deadline) / 2
    for held in tick_state.each(MEND, tick_state.jobs.values(), lambda: context.now() >= half):
        tick_state.attempt(held, _mend, context, held, tick_state)
    steps: tuple[Step, ...] = (reconcile, _watch, queue.serve)
    if late:
        steps = (queue.serve, *steps)
    names = _accounts(context, tick_state)
    while group := list(islice(names, ACCOUNTS_AT_ONCE)):
        context.together(
            [partial(_serve, context, account, steps, tick_state) for account in group]
        )


def _serve(context: Context, account: str, steps: Iterable[Step], tick_state: TickState) -> None:
    if context.now() >= tick_state.deadline:
        tick_state.cut = True
        return
    tick_state.places[ACCOUNT] = account
    for step in steps:
        _try_account(account, partial(step, context, account, tick_state), tick_state)


def _watch(context: Context, account: str, tick_state: TickState) -> None:
    """Look at the running tasks; a place that has come free is used before any film is copied."""
    looked = look(context, account, tick_state)
    if looked and looked.freed:
        queue.serve(context, account, tick_state)
    if looked:
        see(context, account, looked, tick_state)


def _send_webhooks(context: Context, tick_state: TickState) -> None:
    try:
        webhooks_send.serve(context, tick_state)
    except ApiError as error:
        tick_state.count("errors")
        logs.event("tick.webhooks_wait", reason=error.kind.code)


def _accounts(context: Context, tick_state: TickState) -> Iterator[str]:
    """Every account, from the one on that comes after the last."""
    names = list(context.upstreams)
    last = tick_state.places.get(ACCOUNT)
    first = names.index(last) + 1 if last in names else 0
    yield from (*names[first:], *names[:first])


def _try_account(account: str, step: Callable[[], None], tick_state: TickState) -> None:
    try:
        step()
    except ApiError as error:
        # The bucket did not answer for this account; the others go on.
        if isinstance(error, RecordUnreadable):
            tick_state.odd(error.name, error.why)
        tick_state.count("errors")
        logs.event("tick.account_waits", account=account, reason=error.kind.code)
    except Exception:  # noqa: BLE001 - one account's trouble is not the others'
        tick_state.count("errors")
        logs.crash("tick.account_failed", account=account)


def _resume(context: Context, tick_state: TickState) -> Cursor:
    """Where the last tick stopped that was cut short; asked for only where it can matter."""
    if len(tick_state.jobs) <= 1 and len(context.upstreams) <= 1:
        return Cursor(None)
    try:
        cursor = context.ledger.cursor()
    except ApiError:
        logs.event("tick.cursor_lost")
        return Cursor(None)
    tick_state.places |= cursor.places
    return cursor


def _keep(context: Context, tick_state: TickState, cursor: Cursor) -> None:
    if not tick_state.cut:
        return
    try:
        context.ledger.keep_cursor(cursor, tick_state.places)
    except ApiError:
        logs.event("tick.cursor_lost")


def _mend(context: Context, held: Held, tick_state: TickState) -> str | None:
    """The steps that need no upstream: leases that ran out, owners' cancels, deadlines."""
    state, now = held.state, context.now()
    if state.stage is Stage.DELETING:
        return cleanup(context, held)
    if state.stage is Stage.QUEUED and now - held.meta.created_at > context.times.queue_deadline_s:
        return queue.expire(context, held)
    leased = state.stage is Stage.SENDING and now <= state.until
    if leased or (state.stage in OF_ITS_ACCOUNT and upstream_of(context, state)):
        return None
    met = held.name in tick_state.legible
    if not legible(context, held, tick_state):
        return "taken_by_another"
    if state.stage is Stage.UNSURE and not met and close_if_ended(context, held):
        return "tidied"
    return _alone(context, held)


def _alone(context: Context, held: Held) -> str | None:
    """A job that can be read and that no upstream carries on."""
    state, now = held.state, context.now()
    if state.stage is Stage.SENDING:
        # Whoever held the lease may have sent: never back to queued from here.
        unsure(context, held)
        return "unsure"
    if state.stage is Stage.CANCELLED:
        if close_if_ended(context, held):
            return "tidied"
        if intent := context.jobs.intent(held):
            finish(context, held, intent, Verdict(Status.CANCELLED, now))
        return "cancelled"
    return None if upstream_of(context, state) else mark_unreachable(context, held)


def _next_due(context: Context, tick_state: TickState) -> float:
    """When something can happen next, Unix seconds; at the latest when the listing is stale."""
    now = context.now()
    if not _live(tick_state):
        return now  # one more listing says whether anything came meanwhile
    opening = [at for at in tick_state.sends.values() if at > now]
    due = min([now + context.times.relist_s, *opening])
    for held in tick_state.jobs.values():
        if held.state.stage in {Stage.RUNNING, Stage.COPYING} and upstream_of(context, held.state):
            listed = tick_state.listed.get(held.state.account, 0.0)
            due = min(due, max(first_look(context, held.state), listed))
    return due
