"""The only place that spends money: one create for one intent, and what its answer means.

What can fail or take long is prepared before the lease; the create is sent by whoever just won the
`sending` lease. Refuses to send when the job has its verdict or the lease has run out; never sends
twice, whatever the answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import CLOCK_OFF, UPSTREAM_UNAVAILABLE, ApiError
from lib.core.jobs.job import Failure, Job, Stage, Status, Verdict
from lib.core.upstream.outcomes import Accepted, Ambiguous, Refused
from lib.flows.tasks import clocks
from lib.flows.tasks.finish import close_if_ended, finish
from lib.flows.tasks.prepare import prepare

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Intent, State
    from lib.core.upstream.create import Order
    from lib.core.upstream.outcomes import Outcome
    from lib.flows.context import Context

BACKOFF_AT_MOST_S = 60.0
# A lease with a body that takes long is longer by so much at most: what another doubt waits for
# (lease, margin and delay after its own is settled) covers it, and the functions' timeouts do.
BODY_AT_MOST_S = 40.0
# What preparing may take, together with what the body needs beyond the usual lease. With a lease of
# 30 s and a create of 20 s it fits what a tick has left after its budget (130 s), and a post.
TICK_S, POST_S = 80.0, 10.0


def lease(context: Context, state: State, takes_s: float = 0.0) -> State:
    """The state of whoever is about to send: where to, with which key, and until when.

    Args:
        context: what the flows work with.
        state: as it is.
        takes_s: how long the body may take to be handed over, beyond the usual lease.
    """
    now = context.now()
    until = now + context.times.lease_s + min(takes_s, BODY_AT_MOST_S)
    sent = state.to(Stage.SENDING, by=context.token(), now=now, until=until, reason="")
    upstream = context.upstreams.get(state.account)
    return replace(sent, region=upstream.region, key=upstream.key_id) if upstream else sent


def dispatch(
    context: Context, held: Held, intent: Intent, within_s: float
) -> tuple[str, Job | None]:
    """Prepare a queued job, then take the lease, then send.

    Args:
        context: what the flows work with.
        held: the pending object, `queued`.
        intent: its body.
        within_s: how long everything before the lease may take; what was prepared in a longer time
            is sent by a later tick.

    Returns:
        What happened, as a word for the tick's summary, and the job as `send` returns it.

    Raises:
        ApiError: the bucket does not answer; a tick carries the job on.
    """
    began = context.now()
    order = prepare(context, intent, within_s)
    if isinstance(order, Refused):
        return "unprepared", _job(intent, _waits(context, held, intent, order))
    if context.now() - began + min(order.takes_s, BODY_AT_MOST_S) > within_s:
        return "prepared", Job(intent, held.state)
    taken = context.jobs.patch(held, lease(context, held.state, order.takes_s))
    if taken is None:
        return "taken_by_another", None
    return "sent", send(context, taken, intent, order)


def send(context: Context, held: Held, intent: Intent, order: Order) -> Job | None:
    """Send a job whose `sending` lease this process has just won.

    Args:
        context: what the flows work with.
        held: the pending object with that lease.
        intent: its body.
        order: what was prepared.

    Returns:
        The job as this process left it; None where another process changed it, so that only
        the bucket knows.

    Raises:
        ApiError: the bucket does not answer; the lease runs out and a tick takes over.
    """
    if ended := close_if_ended(context, held):
        return ended if isinstance(ended, Job) else None
    upstream = context.upstreams[intent.account]
    if context.now() > held.state.until:
        return None
    outcome = (
        Refused(CLOCK_OFF, "clock", "our times cannot be trusted", waits=True)
        if clocks.off(context, intent.account)
        else upstream.create(order, held.state.until)
    )
    return _settle(context, held, intent, outcome)


def _settle(context: Context, held: Held, intent: Intent, outcome: Outcome) -> Job | None:
    if isinstance(outcome, Accepted):
        return _job(intent, _accepted(context, held, intent, outcome))
    if isinstance(outcome, Ambiguous):
        logs.event("submit.unsure", job=held.id, reason=outcome.reason)
        return _job(intent, unsure(context, held))
    if outcome.waits:
        return _job(intent, _waits(context, held, intent, outcome))
    logs.event("submit.refused", job=held.id, code=outcome.code)
    stands = finish(context, held, intent, _refusal(context, outcome))
    return Job(intent, verdict=stands) if stands else None


def _job(intent: Intent, written: Held | None) -> Job | None:
    return Job(intent, written.state) if written else None


def _waits(context: Context, held: Held, intent: Intent, outcome: Refused) -> Held | None:
    logs.event("submit.waits", job=held.id, reason=outcome.kind.code, code=outcome.code)
    slow_down(context, intent.account, outcome)
    now, tries = context.now(), held.state.tries + 1
    return _ours_to(context, held, Stage.QUEUED, since=now, tries=tries, reason=outcome.kind.code)


def _accepted(context: Context, held: Held, intent: Intent, outcome: Accepted) -> Held | None:
    claimed = context.ledger.claim(intent.account, outcome.task_id, held.id, held.state.key)
    if claimed != held.id:
        logs.event("submit.foreign_claim", job=held.id, task=outcome.task_id)
        return None
    now = context.now()
    written = _ours_to(
        context,
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
    return written


def _ours_to(context: Context, held: Held, stage: Stage, **changes: object) -> Held | None:
    """Write what the answer means, as long as `by` is still our own.

    A tick may have turned our expired `sending` into `unsure` meanwhile; it leaves `by` alone, and
    we, who hold the answer, may still say what happened.
    """
    current: Held | None = held
    while current and current.state.by == held.state.by:
        state = current.state.to(stage, by=context.token(), now=context.now(), **changes)
        if patched := context.jobs.patch(current, state):
            return patched
        current = context.jobs.reread(current)
    return None


def unsure(context: Context, held: Held) -> Held | None:
    """Say that nobody knows whether a task exists; keeps `by` and the window of the send."""
    state = held.state.to(
        Stage.UNSURE,
        by=held.state.by,
        now=held.state.since,
        until=held.state.until,
        reason=UPSTREAM_UNAVAILABLE.code,
    )
    return context.jobs.patch(held, state)


def slow_down(context: Context, account: str, outcome: Refused) -> None:
    """Close the account's gate for a while after a refusal that is not the job's fault."""
    try:
        gate = context.ledger.gate(account)
        refusals = gate.consecutive_refusals + 1
        pause_s = outcome.retry_after_s or min(2.0**refusals, BACKOFF_AT_MOST_S)
        context.ledger.move_gate(
            gate,
            context.token(),
            free=0,
            consecutive_refusals=refusals,
            next_send=context.now() + pause_s,
        )
    except ApiError:
        # The gate limits the rate only; safety never depends on it.
        logs.event("gate.unreachable", account=account)


def _refusal(context: Context, outcome: Refused) -> Verdict:
    failure = Failure(outcome.kind, outcome.message, retryable=False, upstream_code=outcome.code)
    return Verdict(Status.FAILED, context.now(), failure, paid=False)
