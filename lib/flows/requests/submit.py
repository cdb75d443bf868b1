"""A request comes in: frames checked, intent written, then sent or queued.

Nothing goes upstream before the pending object exists, and the same Idempotency-Key always leads to
the same job. The answer to the caller never waits for a film.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lib.adapters.state.jobs import Tombstone
from lib.core import errors
from lib.core.errors import ApiError
from lib.core.ids import new_id
from lib.core.jobs.job import Intent
from lib.core.times import DAY_S
from lib.flows.context import SEND_EVERY_S
from lib.flows.requests.admit import admit
from lib.flows.requests.frames import store
from lib.flows.requests.implicit_key import Repeats, begin
from lib.flows.requests.start import AGAIN, AGAIN_WITH_KEY, NotKnown, start
from lib.flows.tasks import clocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lib.adapters.state.ledger import KeyEntry
    from lib.core.jobs.job import Job
    from lib.core.request import VideoRequest
    from lib.flows.context import Kit
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
    kit: Kit,
    owner: str,
    request: VideoRequest,
    key: str | None = None,
    *,
    repeats: Repeats | None = None,
) -> Submission:
    """Take a request in.

    Args:
        kit: what the flows work with.
        owner: whose job it becomes.
        request: parsed and in bounds.
        key: the caller's Idempotency-Key.
        repeats: for a request without a key, what its repetition means; None: always a new job.

    Raises:
        ApiError: the request is at fault, or the bucket does not answer: this request made no job,
            or it is not known, and the message says which.
    """
    try:
        return _taken_in(kit, owner, request, key, repeats)
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
    kit: Kit, owner: str, request: VideoRequest, repeats: Repeats | None = None
) -> Submission:
    """Take a request in that came without an Idempotency-Key, as the web does.

    Whoever sends the answer calls `implicit_key.answered(kit, owner, made.begun)` when it is out.

    Args:
        kit: what the flows work with.
        owner: whose job it becomes.
        request: parsed and in bounds.
        repeats: what its repetition means; None: once answered, it is always a new job.

    Raises:
        ApiError: as `submit`.
    """
    return submit(kit, owner, request, repeats=repeats or Repeats())


def _taken_in(
    kit: Kit, owner: str, request: VideoRequest, key: str | None, repeats: Repeats | None
) -> Submission:
    admission = admit(kit, owner, request)
    fingerprint = request.fingerprint(owner)
    job_id = new_id(kit.now(), kit.token())
    hashed = hashlib.sha256(key.encode()).hexdigest() if key else None
    begun: Begun | None = None
    if hashed:
        entry = _bind(kit, owner, hashed, job_id, fingerprint)
        if entry.id != job_id and (job := _earlier(kit, owner, entry)):
            return Submission(job, replayed=True)
        job_id = entry.id  # ours, or a dead attempt's, taken over
    elif repeats:
        begun = begin(kit, owner, fingerprint, job_id, repeats)
        if begun.job:
            return Submission(begun.job, replayed=True, begun=begun)
        job_id = begun.entry.id  # as above
    with admission.checked() as admitted:
        kept = store(kit, owner, job_id, admitted.first, admitted.last)
    account, direct = _choose_account(kit, admitted.accounts)
    intent = Intent(
        id=job_id,
        owner=owner,
        created_at=kit.now(),
        account=account,
        region=kit.upstreams[account].region,
        request=request.plain(),
        first=kept.first,
        last=kept.last,
        size=admitted.size,
        warnings=admitted.warnings,
        fingerprint=fingerprint,
        key=hashed,
    )
    made, job = start(kit, intent, direct=direct)
    return Submission(job, not made, admitted.limits if made else {}, begun)


def _bind(kit: Kit, owner: str, key: str, job_id: str, fingerprint: str) -> KeyEntry:
    entry = kit.ledger.take_key(owner, key, job_id, fingerprint, kit.now())
    if entry.id == job_id:
        return entry
    if _expired(kit, owner, entry):
        fresh = kit.ledger.replace_key(owner, key, entry, job_id, fingerprint, kit.now())
        entry = fresh or kit.ledger.key(owner, key) or entry
    if entry.fingerprint != fingerprint:
        raise ApiError(
            errors.IDEMPOTENCY_MISMATCH,
            "This Idempotency-Key was used before with another request. Send the same body to get "
            "the earlier job, or use a new key for a new job.",
            "Idempotency-Key",
        )
    return entry


def _expired(kit: Kit, owner: str, entry: KeyEntry) -> bool:
    """A key lives 24 h and at least 24 h beyond the end of its job."""
    if kit.now() - entry.created_at <= DAY_S:
        return False
    try:
        job = kit.jobs.find(owner, entry.id)
    except Tombstone:
        return False
    if job is None:
        return True
    return job.verdict is not None and kit.now() - job.verdict.ended_at > DAY_S


def _earlier(kit: Kit, owner: str, entry: KeyEntry) -> Job | None:
    try:
        return kit.jobs.find(owner, entry.id)
    except Tombstone:
        raise ApiError(
            errors.GONE,
            "The job of this Idempotency-Key was deleted. Use a new key for a new job.",
            "Idempotency-Key",
        ) from None


def _choose_account(kit: Kit, accounts: Sequence[str]) -> tuple[str, bool]:
    """Which account takes the job, and whether it may be sent at once."""
    for name in accounts:
        gate = kit.ledger.gate(name)
        now = kit.now()
        if gate.free > 0 and now >= gate.next_send and not clocks.off(kit, name):
            changes = {"free": gate.free - 1, "next_send": now + SEND_EVERY_S}
            if kit.ledger.move_gate(gate, kit.token(), **changes):
                return name, True
    return accounts[int(kit.token(), 16) % len(accounts)], False
