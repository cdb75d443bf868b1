"""Before a job and at its end: whether its owner's address may be named, and the outbox entry.

An entry is written once under `outbox/`, due at once; who sends it, and how often, is the business
of `send`. The address itself is stored with the job alone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lib.adapters.outbound.fetch import FetchFailed
from lib.adapters.state.outbox import Entry
from lib.core.errors import invalid

if TYPE_CHECKING:
    from lib.core.jobs.job import Job
    from lib.core.webhooks import Try
    from lib.flows.context import Context


def check_address(context: Context, owner: str, url: str | None) -> None:
    """Whether an owner may name this address; asked before anything is stored or paid.

    Raises:
        ApiError: there is no secret to sign with, or the address is not allowed.
    """
    if url is None:
        return
    if owner not in context.webhook_secrets:
        raise invalid(
            "webhook_url",
            "webhook_url: there is no secret to sign your webhooks with. Whoever runs this service "
            "sets one for you in WEBHOOK_SECRETS; until then leave the field out.",
        )
    try:
        context.fetch.judge(url)
    except FetchFailed as reason:
        raise invalid(
            "webhook_url",
            f"webhook_url: the link cannot be used: {reason}. Allowed: {context.fetch.allowed}.",
        ) from reason


def announce(context: Context, job: Job) -> None:
    """Write the entry of a job that has ended, unless there is one; safe to repeat.

    An entry of a webhook that was delivered long ago is found out before it is sent.

    Raises:
        ApiError: the bucket does not answer; the pending object stays, and a tick comes back here.
    """
    if entry := first_entry(context, job):
        context.outbox.put(entry)


def first_entry(context: Context, job: Job, log: tuple[Try, ...] = ()) -> Entry | None:
    """An entry that is due at once, None when the job names no address.

    Args:
        context: what the flows work with.
        job: that has ended.
        log: of the rounds before.
    """
    url = job.intent.request.webhook_url
    if not url:
        return None
    host = hashlib.sha256(_netloc(url).lower().encode()).hexdigest()[:16]
    base = log[-1].number if log else 0
    return Entry(
        job.intent.owner, job.intent.id, None, context.token(), host, context.now(), base, log=log
    )


def _netloc(url: object) -> str:
    """Whose host it is; a stored address that is no link stands for itself: no try follows it."""
    try:
        return urlsplit(str(url)).netloc
    except ValueError:
        return str(url)
