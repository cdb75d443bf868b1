"""One tick: carry every pending job as far as it will go, until shortly before the deadline.

Ticks may overlap, run twice and die anywhere: each step is one conditional write, and the next tick
goes on from what the bucket says. Returns at once when nothing is pending: an idle tick costs one
list, and one more, of the outbox, where owners have secrets for webhooks. Whatever is to be done,
it ends by its deadline and one step: every loop looks at the time, and what was left over comes
first in the next tick.
"""

from __future__ import annotations

from functools import partial
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
from lib.flows.tasks.poll import first_look, hand_over, poll
from lib.flows.tasks.reconcile import reconcile
from lib.flows.tasks.send import unsure
from lib.flows.tasks.unreachable import mark_unreachable
from lib.flows.tick_state import Board, legible
from lib.flows.webhooks import send as webhooks_send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lib.adapters.state.jobs import Held
    from lib.flows.context import Kit

    Step = Callable[[Kit, str, Board], None]

PAUSE_AT_LEAST_S = 0.5
CUT_LIFE_S = 600.0  # for so long what a tick left over comes first
OF_ITS_ACCOUNT = frozenset({Stage.QUEUED, Stage.RUNNING, Stage.COPYING})
MEND, ACCOUNT = "mend", "account"  # words for loops, in the cursor


def tick(kit: Kit) -> dict[str, Any]:
    """Work until the budget is used up or nothing is pending.

    Returns:
        The summary: what happened, by word, and how many jobs are still pending.

    Raises:
        ApiError: the bucket cannot be listed; the next tick is the retry.
    """
    started = kit.now()
    board = Board(started + kit.times.tick_budget_s, thorough=True)
    kit = board.following(kit)
    try:
        rounds = _rounds(kit, board)
    finally:
        hand_over(kit, board)
    summary = {
        "object": "tick",
        "pending": len(board.jobs),
        "unreadable": len(board.unreadable),
        "rounds": rounds,
        "seconds": round(kit.now() - started, 3),
        **board.done,
    }
    logs.event("tick.done", **summary)
    return summary


def _rounds(kit: Kit, board: Board) -> int:
    board.take(kit.jobs.inbox())
    cursor = _resume(kit, board)
    rounds, late = 1, kit.now() - cursor.at < CUT_LIFE_S
    if late:
        # The tick before had no time left for what comes last: it comes first now.
        _send_webhooks(kit, board)
    while _live(board):
        _round(kit, board, late=late and rounds == 1)
        _send_webhooks(kit, board)
        pause_s = max(PAUSE_AT_LEAST_S, _next_due(kit, board) - kit.now())
        if kit.now() + pause_s >= board.deadline:
            _keep(kit, board, cursor)
            return rounds
        kit.sleep(pause_s)
        board.take(kit.jobs.inbox())
        rounds += 1
    for held in board.each(MEND, board.jobs.values(), lambda: kit.now() >= board.deadline):
        board.attempt(held, cleanup, kit, held)
    if rounds > 1:
        for account in _accounts(kit, board):
            _try_account(account, partial(queue.reopen, kit, account), board)
    _send_webhooks(kit, board)
    _keep(kit, board, cursor)
    return rounds


def _live(board: Board) -> bool:
    return any(held.state.stage is not Stage.DELETING for held in board.jobs.values())


def _round(kit: Kit, board: Board, *, late: bool) -> None:
    # Half of what is left is for the mending, so that however many have run out at once, the
    # others go on.
    half = (kit.now() + board.deadline) / 2
    for held in board.each(MEND, board.jobs.values(), lambda: kit.now() >= half):
        board.attempt(held, _mend, kit, held, board)
    steps: tuple[Step, ...] = (reconcile, poll, queue.serve)
    for account in _accounts(kit, board):
        for step in (queue.serve, *steps) if late else steps:
            _try_account(account, partial(step, kit, account, board), board)


def _send_webhooks(kit: Kit, board: Board) -> None:
    try:
        webhooks_send.serve(kit, board)
    except ApiError as error:
        board.done["errors"] += 1
        logs.event("tick.webhooks_wait", reason=error.kind.code)


def _accounts(kit: Kit, board: Board) -> Iterator[str]:
    """Every account, from the one on that comes after the last, as long as there is time."""
    names = list(kit.upstreams)
    last = board.places.get(ACCOUNT)
    first = names.index(last) + 1 if last in names else 0
    for account in (*names[first:], *names[:first]):
        if kit.now() >= board.deadline:
            board.cut = True
            return
        board.places[ACCOUNT] = account
        yield account


def _try_account(account: str, step: Callable[[], None], board: Board) -> None:
    try:
        step()
    except ApiError as error:
        # The bucket did not answer for this account; the others go on.
        if isinstance(error, RecordUnreadable):
            board.odd(error.name, error.why)
        board.done["errors"] += 1
        logs.event("tick.account_waits", account=account, reason=error.kind.code)
    except Exception:  # noqa: BLE001 - one account's trouble is not the others'
        board.done["errors"] += 1
        logs.crash("tick.account_failed", account=account)


def _resume(kit: Kit, board: Board) -> Cursor:
    """Where the last tick stopped that was cut short; asked for only where it can matter."""
    if len(board.jobs) <= 1 and len(kit.upstreams) <= 1:
        return Cursor(None)
    try:
        cursor = kit.ledger.cursor()
    except ApiError:
        logs.event("tick.cursor_lost")
        return Cursor(None)
    board.places |= cursor.places
    return cursor


def _keep(kit: Kit, board: Board, cursor: Cursor) -> None:
    if not board.cut:
        return
    try:
        kit.ledger.keep_cursor(cursor, board.places)
    except ApiError:
        logs.event("tick.cursor_lost")


def _mend(kit: Kit, held: Held, board: Board) -> str | None:
    """The steps that need no upstream: leases that ran out, owners' cancels, deadlines."""
    state, now = held.state, kit.now()
    if state.stage is Stage.DELETING:
        return cleanup(kit, held)
    if state.stage is Stage.QUEUED and now - held.meta.created_at > kit.times.queue_deadline_s:
        return queue.expire(kit, held)
    leased = state.stage is Stage.SENDING and now <= state.until
    if leased or (state.stage in OF_ITS_ACCOUNT and upstream_of(kit, state)):
        return None
    met = held.name in board.legible
    if not legible(kit, held, board):
        return "taken_by_another"
    if state.stage is Stage.UNSURE and not met and close_if_ended(kit, held):
        return "tidied"
    return _alone(kit, held)


def _alone(kit: Kit, held: Held) -> str | None:
    """A job that can be read and that no upstream carries on."""
    state, now = held.state, kit.now()
    if state.stage is Stage.SENDING:
        # Whoever held the lease may have sent: never back to queued from here.
        unsure(kit, held)
        return "unsure"
    if state.stage is Stage.CANCELLED:
        if close_if_ended(kit, held):
            return "tidied"
        if intent := kit.jobs.intent(held):
            finish(kit, held, intent, Verdict(Status.CANCELLED, now))
        return "cancelled"
    return None if upstream_of(kit, state) else mark_unreachable(kit, held)


def _next_due(kit: Kit, board: Board) -> float:
    """When something can happen next, Unix seconds; at the latest when the listing is stale."""
    now = kit.now()
    if not _live(board):
        return now  # one more listing says whether anything came meanwhile
    opening = [at for at in board.sends.values() if at > now]
    due = min([now + kit.times.relist_s, *opening])
    for held in board.jobs.values():
        if held.state.stage in {Stage.RUNNING, Stage.COPYING} and upstream_of(kit, held.state):
            listed = board.listed.get(held.state.account, 0.0)
            due = min(due, max(first_look(kit, held.state), listed))
    return due
