"""The only place that spends money: one create for one intent, and what its answer means.

Called by whoever just won the `sending` lease. Refuses to send when the job has its verdict or the
lease has run out; never sends twice, whatever the answer.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.dashscope import Order
from lib.core.errors import CLOCK_OFF, ApiError
from lib.core.job import Failure, Stage, Status, Verdict
from lib.core.upstream import Accepted, Ambiguous, QueryFailed, Refused
from lib.flows import clocks
from lib.flows.finish import already, finish

if TYPE_CHECKING:
    from lib.adapters.dashscope import DashScope
    from lib.adapters.jobs import Held
    from lib.core.job import FrameRef, Intent, State
    from lib.core.upstream import Outcome
    from lib.flows.kit import Kit

LINK_TTL_S = 12 * 3600  # a task may wait upstream for hours before it downloads its frames
BACKOFF_AT_MOST_S = 60.0
DATA_URI_AT_MOST = 10485760  # characters (Model Studio, "Error codes"): about 7.8 MB of picture


def lease(kit: Kit, state: State) -> State:
    """The state of whoever is about to send: where to, with which key, and until when."""
    now = kit.now()
    sent = state.to(
        Stage.SENDING, by=kit.token(), now=now, until=now + kit.times.lease_s, reason=""
    )
    upstream = kit.upstreams.get(state.account)
    return replace(sent, region=upstream.region, key=upstream.key_id) if upstream else sent


def send(kit: Kit, held: Held, intent: Intent) -> None:
    """Send a job whose `sending` lease this process has just won.

    Args:
        kit: the hands.
        held: the pending object with that lease.
        intent: its body.

    Raises:
        ApiError: the bucket does not answer; the lease runs out and a tick takes over.
    """
    if already(kit, held):
        return
    upstream = kit.upstreams[intent.account]
    order = _order(kit, upstream, intent)
    if isinstance(order, QueryFailed):
        outcome: Outcome = Refused(
            order.kind, "upload", order.message, waits=True, limited=order.limited
        )
    elif clocks.off(kit, intent.account):
        outcome = Refused(CLOCK_OFF, "clock", "our times cannot be trusted", waits=True)
    elif kit.now() > held.state.until:
        return
    else:
        outcome = upstream.create(order)
    _settle(kit, held, intent, outcome)


def _order(kit: Kit, upstream: DashScope, intent: Intent) -> Order | QueryFailed:
    first = _deliver(kit, upstream, intent, intent.first)
    if isinstance(first, QueryFailed):
        return first
    last = _deliver(kit, upstream, intent, intent.last) if intent.last else None
    if isinstance(last, QueryFailed):
        return last
    return Order(intent.request, first, last)


def _deliver(kit: Kit, upstream: DashScope, intent: Intent, ref: FrameRef) -> str | QueryFailed:
    if upstream.delivery == "link":
        return kit.artifacts.link(ref.object, ttl_s=LINK_TTL_S).url
    data = kit.artifacts.frame(ref)
    if data is None:
        # Somebody removed the frame from the bucket; the upstream will say so as it does for links.
        return kit.artifacts.link(ref.object, ttl_s=LINK_TTL_S).url
    if upstream.delivery == "inline":
        uri = f"data:{ref.mime};base64,{base64.b64encode(data).decode()}"
        if len(uri) <= DATA_URI_AT_MOST:
            return uri
    filename = ref.object.rpartition("/")[2]
    return upstream.upload(data, filename, ref.mime, intent.request["model"])


def _settle(kit: Kit, held: Held, intent: Intent, outcome: Outcome) -> None:
    if isinstance(outcome, Accepted):
        _accepted(kit, held, intent, outcome)
    elif isinstance(outcome, Ambiguous):
        logs.event("submit.unsure", job=held.id, reason=outcome.reason)
        unsure(kit, held)
    elif outcome.waits:
        logs.event("submit.waits", job=held.id, reason=outcome.kind.code, code=outcome.code)
        slow_down(kit, intent.account, outcome)
        now, tries = kit.now(), held.state.tries + 1
        _ours_to(kit, held, Stage.QUEUED, since=now, tries=tries, reason=outcome.kind.code)
    else:
        logs.event("submit.refused", job=held.id, code=outcome.code)
        finish(kit, held, intent, _refusal(kit, outcome))


def _accepted(kit: Kit, held: Held, intent: Intent, outcome: Accepted) -> None:
    claimed = kit.ledger.claim(intent.account, outcome.task_id, held.id, held.state.key)
    if claimed != held.id:
        logs.event("submit.foreign_claim", job=held.id, task=outcome.task_id)
        return
    now = kit.now()
    _ours_to(
        kit,
        held,
        Stage.RUNNING,
        since=now,
        accepted_at=now,
        task_id=outcome.task_id,
        upstream_request_id=outcome.request_id,
        tries=0,
        reason="",
    )
    logs.event("submit.accepted", job=held.id, task=outcome.task_id)


def _ours_to(kit: Kit, held: Held, stage: Stage, **changes: object) -> Held | None:
    """Write what the answer means, as long as `by` is still our own.

    A tick may have turned our expired `sending` into `unsure` meanwhile; it leaves `by` alone, and
    we, who hold the answer, may still say what happened.
    """
    current: Held | None = held
    while current and current.state.by == held.state.by:
        state = current.state.to(stage, by=kit.token(), now=kit.now(), **changes)
        if patched := kit.jobs.patch(current, state):
            return patched
        current = kit.jobs.reread(current)
    return None


def unsure(kit: Kit, held: Held) -> Held | None:
    """Say that nobody knows whether a task exists; keeps `by` and the window of the send."""
    state = held.state.to(
        Stage.UNSURE,
        by=held.state.by,
        now=held.state.since,
        until=held.state.until,
        reason="upstream_unavailable",
    )
    return kit.jobs.patch(held, state)


def slow_down(kit: Kit, account: str, outcome: Refused) -> None:
    """Close the account's gate for a while after a refusal that is not the job's fault."""
    try:
        gate = kit.ledger.gate(account)
        strikes = gate.strikes + 1
        pause_s = outcome.retry_after_s or min(2.0**strikes, BACKOFF_AT_MOST_S)
        kit.ledger.move_gate(
            gate, kit.token(), free=0, strikes=strikes, next_send=kit.now() + pause_s
        )
    except ApiError:
        # The gate limits the rate only; safety never depends on it.
        logs.event("gate.unreachable", account=account)


def _refusal(kit: Kit, outcome: Refused) -> Verdict:
    failure = Failure(
        outcome.kind.code, outcome.message, retryable=False, upstream_code=outcome.code
    )
    return Verdict(Status.FAILED, kit.now(), failure, paid=False)
