"""The end of a job: the verdict is written once, then the pending object goes.

The order is the protocol: video, verdict, webhook, pending. Whoever dies in between leaves a
pending object whose verdict stands; the next to come writes the webhook's entry, if it is missing,
and removes the pending object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.state.jobs import Tombstone
from lib.core.jobs.job import Job, Status
from lib.flows.webhooks.announce import announce

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Intent, Verdict
    from lib.flows.context import Context


def finish(context: Context, held: Held, intent: Intent, verdict: Verdict) -> Verdict | None:
    """End a job that this process holds.

    Args:
        context: what the flows work with.
        held: the pending object as this process last wrote it.
        intent: its body.
        verdict: how it ends.

    Returns:
        The verdict that stands; None when the owner deleted the job meanwhile.

    Raises:
        RecordUnreadable: a verdict stands that this revision cannot read; it stays, and so does
            the pending object.
        ApiError: the bucket does not answer; the next tick does the rest.
    """
    try:
        stands = context.jobs.finish(intent, held.state, verdict)
    except Tombstone:
        purge(context, held)
        return None
    announce(context, Job(intent, verdict=stands))
    context.jobs.drop(held)
    return stands


def purge(context: Context, held: Held) -> None:
    """Remove what is left of a job that its owner has deleted."""
    context.artifacts.remove_video(held.owner, held.id)
    context.artifacts.remove_frames(held.owner, held.id)
    context.outbox.remove(held.owner, held.id)
    context.jobs.drop(held)


def close_if_ended(context: Context, held: Held) -> Job | bool:
    """Whether the job has its verdict; if so, its webhook is announced and pending goes.

    Returns:
        The finished job, True when it was deleted by its owner, False when it lives.

    Raises:
        RecordUnreadable: a verdict stands that this revision cannot read.
        ApiError: the bucket does not answer.
    """
    try:
        job = context.jobs.finished(held.owner, held.id)
    except Tombstone:
        purge(context, held)
        return True
    if job is None:
        return False
    if job.status is not Status.COMPLETED:
        # A copier may have stored its film without hearing of it, beside another ending.
        context.artifacts.remove_video(held.owner, held.id)
    announce(context, job)
    context.jobs.drop(held)
    return job
