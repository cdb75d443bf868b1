"""Following running tasks: one list call for many, single queries only for those that ended.

The upstream is never asked about a task before it can have ended, and never because somebody
watches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.answers import classify
from lib.core.decide import ENDED, Copy, End, decide
from lib.core.job import Stage
from lib.core.upstream import Listing, QueryFailed
from lib.flows.deliver import deliver, retry_at
from lib.flows.finish import finish

if TYPE_CHECKING:
    from lib.adapters.jobs import Held
    from lib.core.upstream import Row
    from lib.flows.board import Board
    from lib.flows.kit import Kit

QUERY_GAP_S = 0.125  # at most 8 queries a second from one tick; the account has 20
EARLIEST = 0.5  # the share of a model's usual duration before which nothing can have ended


def first_look(kit: Kit, held: Held) -> float:
    """When a job's task may have ended at the earliest, Unix seconds."""
    if held.state.stage is Stage.COPYING:
        return held.state.until
    if held.state.tries:
        return retry_at(held)
    fixed = kit.times.first_look_s
    return held.state.accepted_at + (EARLIEST * held.state.eta_s if fixed is None else fixed)


def watch(kit: Kit, account: str, board: Board) -> None:
    """Look at the account's tasks that may have ended, and act on what is found."""
    now = kit.now()
    watched = board.of(account, Stage.RUNNING, Stage.COPYING)
    due = [held for held in watched if now >= first_look(kit, held)]
    if not due:
        return
    rows = _rows(kit, account, board)
    for held in due:
        if kit.now() >= board.deadline:
            return
        row = rows.get(held.state.task_id)
        if row is not None and row.status not in ENDED:
            continue
        if now < board.looks.get(held.id, 0.0):
            continue
        board.looks[held.id] = now + kit.times.single_every_s
        board.attempt(held, lambda held=held: _look(kit, held, board))  # type: ignore[misc]
        kit.sleep(QUERY_GAP_S)


def _rows(kit: Kit, account: str, board: Board) -> dict[str, Row]:
    now = kit.now()
    if now < board.listed.get(account, 0.0):
        return {}
    board.listed[account] = now + kit.times.list_every_s
    listing = kit.upstreams[account].list()
    board.done["lists"] += 1
    if isinstance(listing, Listing):
        return {row.task_id: row for row in listing.rows}
    # Single queries do for tasks that no list shows.
    logs.event("tick.list_failed", account=account, reason=listing.message)
    pause_s = listing.retry_after_s or kit.times.single_every_s
    board.listed[account] = now + pause_s
    return {}


def _look(kit: Kit, held: Held, board: Board) -> str | None:
    report = kit.upstreams[held.state.account].get(held.state.task_id)
    board.done["gets"] += 1
    if isinstance(report, QueryFailed):
        logs.event("tick.get_failed", job=held.id, reason=report.message)
        return "query_failed"
    decision = decide(held.state, report, kit.now(), kit.times.give_up_s, classify)
    if isinstance(decision, Copy):
        return deliver(kit, held, report)
    if isinstance(decision, End):
        intent = kit.jobs.intent(held)
        if intent:
            finish(kit, held, intent, decision.verdict)
            logs.event("job.ended", job=held.id, status=str(decision.verdict.status))
        return str(decision.verdict.status)
    return None
