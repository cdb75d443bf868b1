"""Following running tasks: one list call for many, single queries only for those that ended.

One process at a time asks an account's upstream, whoever ticks or reads: it holds the account's
poll lease. The upstream is never asked about a task before it can have ended, and never because a
reader asks.
"""

from __future__ import annotations

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
    from lib.flows.context import Kit
    from lib.flows.tick_state import Board

QUERY_GAP_S = 0.125  # at most 8 queries a second from the lease's holder; the account has 20
EARLIEST = 0.3  # the share of a model's usual duration before which hardly anything ends
UNLISTED_EVERY_S = 30.0  # a task that a good list does not show: the list may lag
# A task that the list calls alive so many times its usual duration after: the list may be wrong.
LATE, LATE_AT_LEAST_S, LATE_EVERY_S = 2.0, 300.0, 60.0
FAILS_AT_MOST = 4
PAUSE_AT_MOST_S = 300.0  # however long the upstream asks us to wait


def first_look(kit: Kit, state: State) -> float:
    """When a job's task may have ended at the earliest, Unix seconds."""
    if state.stage is Stage.COPYING:
        # Two clocks may differ: whoever takes over must be later than the holder by both.
        return state.until + kit.times.skew_s
    if state.tries:
        return retry_at(state)
    fixed = kit.times.first_look_s
    return state.accepted_at + (EARLIEST * state.eta_s if fixed is None else fixed)


def poll(kit: Kit, account: str, board: Board) -> None:
    """Look at the account's tasks that may have ended, and act on what is found.

    Raises:
        ApiError: the bucket does not answer.
    """
    now = kit.now()
    watched = board.of(account, Stage.RUNNING, Stage.COPYING)
    found = [held for held in watched if upstream_of(kit, held.state)]
    due = [held for held in found if now >= first_look(kit, held.state)]
    if not due or not may_list(kit, account, board):
        return
    listing = kit.upstreams[account].list()
    board.done["lists"] += 1
    rows: dict[str, Row] | None = None
    if isinstance(listing, Listing):
        board.fails.pop(account, None)
        look_over(kit, account, listing, board)
        rows = listing.known()
        _note_ended(found, rows, board)
    else:
        _list_failed(kit, account, board, listing)
        if listing.limited:
            return
    for held in board.each(f"watch-{account}", due, lambda: kit.now() >= board.deadline):
        board.attempt(held, _see, kit, held, board, rows)


def _note_ended(found: Iterable[Held], rows: Mapping[str, Row], board: Board) -> None:
    """A task that has ended holds no place upstream, whatever becomes of its film."""
    for held in found:
        row = rows.get(held.state.task_id)
        if row is not None and row.status in ENDED:
            board.ended.add(held.name)


def may_list(kit: Kit, account: str, board: Board) -> bool:
    """Whether this tick may list the account's tasks now; takes its poll lease if that is free.

    Raises:
        ApiError: the bucket does not answer.
    """
    now = kit.now()
    if now < board.listed.get(account, 0.0):
        return False
    if account not in board.poll_leases:
        found = kit.ledger.poll_lease(account)
        if now < found.until:
            board.listed[account] = min(found.until, now + kit.times.relist_s)
            return False
        taken = kit.ledger.move_poll_lease(found, kit.token(), until=board.deadline)
        if taken is None:
            board.listed[account] = now + kit.times.list_every_s
            return False
        board.poll_leases[account] = taken
        if now < found.next_list <= now + kit.times.list_every_s:
            board.listed[account] = found.next_list
            return False
    board.listed[account] = now + kit.times.list_every_s
    return True


def hand_over(kit: Kit, board: Board) -> None:
    """Give the poll leases back, so that the next to come need not wait for their end."""
    for account, held in board.poll_leases.items():
        if kit.now() >= max(board.deadline, board.listed[account]):
            continue  # it has ended by itself, and nobody need wait for the next list
        try:
            kit.ledger.move_poll_lease(
                held, kit.token(), until=0.0, next_list=board.listed[account]
            )
        except ApiError:
            # It ends by itself.
            logs.event("watch.kept", account=account)


def _list_failed(kit: Kit, account: str, board: Board, failed: QueryFailed) -> None:
    # Single queries do for tasks that no list shows.
    logs.event("tick.list_failed", account=account, reason=failed.why)
    board.fails[account] = min(board.fails[account] + 1, FAILS_AT_MOST)
    pause_s = failed.retry_after_s or kit.times.list_every_s * 2.0 ** board.fails[account]
    board.listed[account] = kit.now() + min(pause_s, PAUSE_AT_MOST_S)


def _see(kit: Kit, held: Held, board: Board, rows: dict[str, Row] | None) -> str | None:
    """One task: what its row says, or a single query where that is not enough."""
    now = kit.now()
    row = rows.get(held.state.task_id) if rows is not None else None
    lives = row is not None and row.status not in ENDED
    if lives:
        _clear_reason(kit, held, board)
    if (lives and not (board.thorough and late(held.state, now))) or now < board.looks.get(
        held.name, 0.0
    ):
        return None
    every_s = kit.times.single_every_s if row or rows is None else UNLISTED_EVERY_S
    board.looks[held.name] = now + (LATE_EVERY_S if lives else every_s)
    if not legible(kit, held, board):
        return None
    kit.sleep(QUERY_GAP_S)
    return _look(kit, board.jobs.get(held.name, held), board)


def late(state: State, now: float) -> bool:
    """Whether a task should have ended long ago, so that a list that calls it alive is doubted.

    Args:
        state: of its job.
        now: Unix seconds.
    """
    return now - state.accepted_at > max(LATE * state.eta_s, LATE_AT_LEAST_S)


def _look(kit: Kit, held: Held, board: Board) -> str | None:
    report = kit.upstreams[held.state.account].get(held.state.task_id)
    board.done["gets"] += 1
    if isinstance(report, QueryFailed):
        logs.event("tick.get_failed", job=held.id, reason=report.why)
        if report.retry_after_s:
            pause_s = min(report.retry_after_s, PAUSE_AT_MOST_S)
            board.looks[held.name] = kit.now() + pause_s
        if not report.limited:
            _set_reason(kit, held, board, report.kind.code)
        return "query_failed"
    if report.status in ENDED:
        board.ended.add(held.name)
    decision = decide(held.state, report, kit.now(), kit.times.give_up_s, classify)
    if isinstance(decision, Copy):
        return copy_film(kit, held, report, hurried=board.hurried)
    if isinstance(decision, End) and not decision.final:
        return give_up(kit, held, decision.verdict)
    if isinstance(decision, End):
        intent = kit.jobs.intent(held)
        if intent:
            finish(kit, held, intent, decision.verdict)
            logs.event("job.ended", job=held.id, status=str(decision.verdict.status))
        return str(decision.verdict.status)
    _clear_reason(kit, held, board)
    return None


def _clear_reason(kit: Kit, held: Held, board: Board) -> None:
    """The upstream answers again: nothing is wrong any more, unless it is the copy."""
    if held.state.reason and not held.state.tries:
        _set_reason(kit, held, board, "")


def _set_reason(kit: Kit, held: Held, board: Board, reason: str) -> None:
    """Let the owner see why a running job waits; written when it changes, not at every look."""
    if held.state.stage is not Stage.RUNNING or held.state.reason == reason:
        return
    if not legible(kit, held, board):
        return
    state = held.state.to(Stage.RUNNING, by=kit.token(), now=held.state.since, reason=reason)
    kit.jobs.patch(held, state)
