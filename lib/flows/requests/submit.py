"""A request comes in: frames checked, intent written, then sent or queued.

Nothing goes upstream before the pending object exists, and the same Idempotency-Key always leads to
the same job. The answer to the caller never waits for a film.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from lib.adapters.state.jobs import Tombstone
from lib.core import errors
from lib.core.errors import ApiError
from lib.core.ids import new_id
from lib.core.jobs.job import Intent
from lib.core.times import DAY_S
from lib.flows.requests.admit import admit, offering
from lib.flows.requests.choose_account import choose, read_gates
from lib.flows.requests.frames import store
from lib.flows.requests.implicit_key import Repeats, begin
from lib.flows.requests.limits import count
from lib.flows.requests.start import AGAIN, AGAIN_WITH_KEY, NotKnown, start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.state.ledger import KeyEntry
    from lib.core.jobs.job import Job
    from lib.core.request import VideoRequest
    from lib.flows.context import Context
    from lib.flows.requests.implicit_key import Begun


@dataclass(frozen=True)
class Submission:
    """What a submit led to.

    Attributes:
        job: the job, new or replayed.
        replayed: whether an earlier request with the same key made it.
        limits: the `RateLimit` fields of the answer; empty for a replay, which is never counted.
        begun: what a request without a key was bound to; for `implicit_key.answered`.
    """

    job: Job
    replayed: bool
    limits: Mapping[str, str] = field(default_factory=dict)
    begun: Begun | None = None


def submit(
    context: Context,
    owner: str,
    request: VideoRequest,
    key: str | None = None,
    *,
    repeats: Repeats | None = None,
) -> Submission:
    """Take a request in.

    Args:
        context: what the flows work with.
        owner: whose job it becomes.
        request: parsed and in bounds.
        key: the caller's Idempotency-Key.
        repeats: for a request without a key, what its repetition means; None: always a new job.

    Raises:
        ApiError: the request is at fault, or the bucket does not answer: this request made no job,
            or it is not known, and the message says which.
    """
    try:
        return _taken_in(context, owner, request, key, repeats)
    except ApiError as error:
        if error.kind is not errors.STORAGE_UNAVAILABLE or isinstance(error, NotKnown):
            raise
        what = error.message.partition(". ")[0]
        raise replace(
            error,
            message=f"{what}. This request made no job, and nothing is paid for it. "
            + (AGAIN_WITH_KEY if key else AGAIN),
        ) from error


def submit_keyless(
    context: Context, owner: str, request: VideoRequest, repeats: Repeats | None = None
) -> Submission:
    """Take a request in that came without an Idempotency-Key, as the web does.

    When the answer is out, its sender calls `implicit_key.answered(context, owner, made.begun)`.

    Args:
        context: what the flows work with.
        owner: whose job it becomes.
        request: parsed and in bounds.
        repeats: what its repetition means; None: once answered, it is always a new job.

    Raises:
        ApiError: as `submit`.
    """
    return submit(context, owner, request, repeats=repeats or Repeats())


def _taken_in(
    context: Context, owner: str, request: VideoRequest, key: str | None, repeats: Repeats | None
) -> Submission:
    admission = admit(context, owner, request)
    fingerprint = request.fingerprint(owner)
    hashed = hashlib.sha256(key.encode()).hexdigest() if key else None
    # What is read before anything is certain costs nothing: a gate is written only if it is still
    # the same, and what was counted counts for a new job only.
    bound, gates, counted = context.together(
        [
            partial(_bound, context, owner, hashed, fingerprint, repeats),
            partial(read_gates, context, offering(context, request.model)),
            partial(count, context, owner),
        ]
    )
    if bound.job:
        return Submission(bound.job, replayed=True, begun=bound.begun)
    with admission.checked(counted) as admitted:
        kept, (account, direct) = context.together(
            [
                partial(store, context, owner, bound.id, admitted.first, admitted.last),
                partial(choose, context, admitted.accounts, gates),
            ]
        )
    intent = Intent(
        id=bound.id,
        owner=owner,
        created_at=context.now(),
        account=account,
        region=context.upstreams[account].region,
        request=request.plain(),
        first=kept.first,
        last=kept.last,
        size=admitted.size,
        warnings=admitted.warnings,
        fingerprint=fingerprint,
        key=hashed,
    )
    made, job = start(context, intent, direct=direct)
    return Submission(job, not made, admitted.limits if made else {}, bound.begun)


@dataclass(frozen=True)
class _Bound:
    """The id of a request, and the job of an earlier attempt if there is one."""

    id: str
    job: Job | None = None
    begun: Begun | None = None


def _bound(
    context: Context, owner: str, key: str | None, fingerprint: str, repeats: Repeats | None
) -> _Bound:
    job_id = new_id(context.now(), context.token())
    if key:
        entry = _bind(context, owner, key, job_id, fingerprint)
        if entry.id != job_id and (job := _earlier(context, owner, entry)):
            return _Bound(entry.id, job)
        job_id = entry.id  # ours, or a dead attempt's, taken over
    elif repeats:
        begun = begin(context, owner, fingerprint, job_id, repeats)
        return _Bound(begun.entry.id, begun.job, begun)  # as above
    return _Bound(job_id)


def _bind(context: Context, owner: str, key: str, job_id: str, fingerprint: str) -> KeyEntry:
    entry = context.ledger.take_key(owner, key, job_id, fingerprint, context.now())
    if entry.id == job_id:
        return entry
    if _expired(context, owner, entry):
        fresh = context.ledger.replace_key(owner, key, entry, job_id, fingerprint, context.now())
        entry = fresh or context.ledger.key(owner, key) or entry
    if entry.fingerprint != fingerprint:
        raise ApiError(
            errors.IDEMPOTENCY_MISMATCH,
            "This Idempotency-Key was used before with another request. Send the same body to get "
            "the earlier job, or use a new key for a new job.",
            "Idempotency-Key",
        )
    return entry


def _expired(context: Context, owner: str, entry: KeyEntry) -> bool:
    """A key lives 24 h and at least 24 h beyond the end of its job."""
    if context.now() - entry.created_at <= DAY_S:
        return False
    try:
        job = context.jobs.find(owner, entry.id)
    except Tombstone:
        return False
    if job is None:
        return True
    return job.verdict is not None and context.now() - job.verdict.ended_at > DAY_S


def _earlier(context: Context, owner: str, entry: KeyEntry) -> Job | None:
    try:
        return context.jobs.find(owner, entry.id)
    except Tombstone:
        raise ApiError(
            errors.GONE,
            "The job of this Idempotency-Key was deleted. Use a new key for a new job.",
            "Idempotency-Key",
        ) from None
