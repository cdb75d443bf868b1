"""What became of a job's webhook, and delivering it once more at its owner's word.

A redelivery is a new round of tries of the same message: same id, same payload, a new signature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib import logs
from lib.core import webhooks
from lib.core.errors import CONFLICT, NOT_READY, ApiError, no_such_video
from lib.flows.read import find
from lib.flows.webhooks.announce import first_entry
from lib.flows.webhooks.send import over

if TYPE_CHECKING:
    from lib.adapters.state.outbox import Entry
    from lib.core.jobs.job import Job
    from lib.core.webhooks import Try
    from lib.flows.context import Context

RETRY_S = 15


@dataclass(frozen=True)
class Deliveries:
    """How far the webhook of a job has come.

    Attributes:
        job: whose.
        state: `none` (no address was named), `waiting` (the job lives), `pending` (a try is to
            come or under way), `delivered`, or `given_up`.
        log: the last tries, oldest first.
        next_at: when the next try is due, Unix seconds; None when none is.
    """

    job: Job
    state: str
    log: tuple[Try, ...] = ()
    next_at: float | None = None


def deliveries(context: Context, owner: str, job_id: str) -> Deliveries:
    """The delivery log of a job.

    Raises:
        ApiError: no such job (404), the bucket does not answer (503).
    """
    job = find(context, owner, job_id)
    if job is None:
        raise no_such_video()
    if not job.intent.request.webhook_url:
        return Deliveries(job, "none")
    if job.verdict is None:
        return Deliveries(job, "waiting")
    return _now(job, *_both(context, job))


def _both(context: Context, job: Job) -> tuple[Entry | None, tuple[Try, ...]]:
    """The entry that still counts, and the log of the rounds that are over."""
    owner, job_id = job.intent.owner, job.intent.id
    entry = context.outbox.get(owner, job_id)
    # Read in this order: an entry goes after its round is on the job.
    settled = context.jobs.webhook_log(owner, job_id)
    return (None if entry and over(entry, settled) else entry), settled


def _now(job: Job, entry: Entry | None, settled: tuple[Try, ...]) -> Deliveries:
    if entry:
        return Deliveries(job, "pending", entry.log, entry.next_at)
    if not settled:
        # The verdict is a moment old; the entry comes next.
        return Deliveries(job, "pending", next_at=job.verdict.ended_at if job.verdict else None)
    # A try may end after those that came later; a round in vain is as long as it can be.
    delivered = any(one.outcome == "delivered" for one in settled[-webhooks.TRIES :])
    state = "delivered" if delivered and settled[-1].outcome != "gone" else "given_up"
    return Deliveries(job, state, settled)


def redeliver(context: Context, owner: str, job_id: str) -> Deliveries:
    """Begin a new round of tries now, whatever became of the one before.

    Raises:
        ApiError: no such job (404), it names no address, lives, or a try is under way (409), the
            bucket does not answer (503).
    """
    found = deliveries(context, owner, job_id)
    if found.state == "none":
        raise ApiError(CONFLICT, "This job names no webhook_url: there is nobody to tell.")
    if found.state == "waiting":
        raise ApiError(
            NOT_READY,
            f"The job is {found.job.status}; its webhook is sent when it has ended.",
            retry_after_s=RETRY_S,
        )
    entry, settled = _both(context, found.job)
    if entry is None:
        fresh = first_entry(context, found.job, settled)
        # What a round that is over left behind goes first.
        if (left := context.outbox.get(owner, job_id)) and over(left, settled):
            context.outbox.drop(left)
        if fresh and context.outbox.put(fresh):
            return _said(found.job, fresh)
        entry, _ = _both(context, found.job)
    moved = _renewed(context, entry) if entry and context.now() > entry.until else None
    if moved is None:
        raise ApiError(
            NOT_READY,
            "A try is under way this moment; look at the log, then ask again.",
            retry_after_s=RETRY_S,
        )
    return _said(found.job, moved)


def _renewed(context: Context, entry: Entry) -> Entry | None:
    base = entry.log[-1].number if entry.log else entry.base
    wanted = replace(entry, by=context.token(), base=base, next_at=context.now(), until=0.0)
    return context.outbox.patch(entry, wanted)


def _said(job: Job, entry: Entry) -> Deliveries:
    logs.event("webhook.again", job=job.intent.id, attempt=entry.base + 1)
    return Deliveries(job, "pending", entry.log, entry.next_at)


def message(found: Deliveries) -> str:
    """The webhook-id."""
    return webhooks.message_id(found.job.intent.id)
