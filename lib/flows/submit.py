"""A request comes in: frames checked, intent written, then sent or queued.

Nothing goes upstream before the pending object exists, and the same Idempotency-Key always leads to
the same job. The answer to the caller never waits for a film.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.jobs import Tombstone
from lib.core import catalogue, errors
from lib.core.errors import ApiError
from lib.core.job import Intent, Job, Stage, State
from lib.flows import clocks, limits, outbox
from lib.flows.frames import keep
from lib.flows.kit import SEND_EVERY_S
from lib.flows.send import lease, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.ledger import KeyEntry
    from lib.core.request import VideoRequest
    from lib.flows.kit import Kit

DAY_S = 24 * 3600.0
ID_SPAN = (1 << 44) - 1  # milliseconds since 1970 until the year 2527


@dataclass(frozen=True)
class Submission:
    """What a submit led to.

    Attributes:
        job: the job, new or replayed.
        replayed: whether an earlier request with the same key made it.
        limits: the `RateLimit` fields of the answer; empty for a replay, which is never counted.
    """

    job: Job
    replayed: bool
    limits: Mapping[str, str] = field(default_factory=dict)


def submit(kit: Kit, owner: str, request: VideoRequest, key: str | None = None) -> Submission:
    """Take a request in.

    Args:
        kit: the hands.
        owner: whose job it becomes.
        request: parsed and in bounds.
        key: the caller's Idempotency-Key.

    Raises:
        ApiError: the request is at fault, or the bucket does not answer; nothing was paid.
    """
    outbox.check(kit, owner, request.webhook_url)
    fingerprint = request.fingerprint(owner)
    job_id = new_id(kit.now(), kit.token())
    hashed = hashlib.sha256(key.encode()).hexdigest() if key else None
    if hashed:
        entry = _bind(kit, owner, hashed, job_id, fingerprint)
        if entry.id != job_id and (job := _earlier(kit, owner, entry)):
            return Submission(job, replayed=True)
        job_id = entry.id  # ours, or a dead attempt's, taken over
    accounts, counted = allowed(kit, owner, request)
    kept = keep(kit, owner, job_id, request)
    account, direct = _door(kit, accounts)
    intent = Intent(
        id=job_id,
        owner=owner,
        created_at=kit.now(),
        account=account,
        region=kit.upstreams[account].region,
        request=request.fields(),
        first=kept.first,
        last=kept.last,
        size=catalogue.output_size(kept.first.width, kept.first.height, request.resolution),
        warnings=kept.warnings,
        fingerprint=fingerprint,
        key=hashed,
    )
    made = _start(kit, intent, direct=direct)
    return made if made.replayed else replace(made, limits=counted)


def allowed(kit: Kit, owner: str, request: VideoRequest) -> tuple[list[str], Mapping[str, str]]:
    """Which accounts may run a request, and how the owner's limits stand with it.

    Raises:
        ApiError: no region offers it, a limit is reached, or the bucket does not answer.
    """
    accounts = _accounts(kit, request.model)
    region = kit.upstreams[accounts[0]].region
    catalogue.check_resolution(catalogue.resolve(region, request.model), request.resolution)
    return accounts, limits.check(kit, owner, request, region)


def _start(kit: Kit, intent: Intent, *, direct: bool) -> Submission:
    now = kit.now()
    model = catalogue.resolve(intent.region, intent.request["model"])
    state = State(
        stage=Stage.QUEUED,
        by=kit.token(),
        since=now,
        account=intent.account,
        model=model.name,
        eta_s=model.typical_s[intent.request["resolution"]],
    )
    if direct:
        state = lease(kit, state)
    held = kit.jobs.create(intent, state)
    if held is None:
        # The same key at the same moment: the other attempt wrote the job.
        job = kit.jobs.find(intent.owner, intent.id)
        return Submission(job or Job(intent, state), replayed=True)
    logs.event("job.created", job=intent.id, account=intent.account, stage=str(state.stage))
    if direct:
        try:
            send(kit, held, intent)
        except ApiError as error:
            # The intent is safe and a tick carries it on: the caller gets the job, not our trouble.
            logs.event("submit.interrupted", job=intent.id, reason=error.kind.code)
    return Submission(_now(kit, intent, state), replayed=False)


def _now(kit: Kit, intent: Intent, state: State) -> Job:
    try:
        return kit.jobs.find(intent.owner, intent.id) or Job(intent, state)
    except (ApiError, Tombstone):
        return Job(intent, state)


def new_id(now: float, token: str) -> str:
    """An id that sorts newest first and tells nobody anything else.

    Args:
        now: Unix seconds.
        token: 16 random hex characters.
    """
    return f"vid_{ID_SPAN - int(now * 1000):011x}{token}"


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


def _accounts(kit: Kit, model: str) -> list[str]:
    """The accounts whose region offers the model, or the refusal of the first one."""
    refusal: ApiError | None = None
    names = []
    for name, upstream in kit.upstreams.items():
        try:
            catalogue.resolve(upstream.region, model)
        except ApiError as error:
            refusal = refusal or error
        else:
            names.append(name)
    if not names and refusal:
        raise refusal
    return names


def _door(kit: Kit, accounts: list[str]) -> tuple[str, bool]:
    """Which account takes the job, and whether it may be sent at once."""
    for name in accounts:
        gate = kit.ledger.gate(name)
        now = kit.now()
        if gate.free > 0 and now >= gate.next_send and not clocks.off(kit, name):
            changes = {"free": gate.free - 1, "next_send": now + SEND_EVERY_S}
            if kit.ledger.move_gate(gate, kit.token(), **changes):
                return name, True
    return accounts[int(kit.token(), 16) % len(accounts)], False
