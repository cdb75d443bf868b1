"""Clients that send no Idempotency-Key: the request itself is the key, for a while.

A request that nobody answered is repeated by its client, and must not be paid twice: for ten
minutes it is the same intent. One that was answered is a wish of its own when it comes again,
unless the client is one that re-sends by itself (the DashScope SDKs, those made by Stainless): for
these a short window counts, from the job that the first attempt led to, so that it has no border
that a re-send could fall behind.

One object under `keys/` (create-once) binds the fingerprint to the job's id, as a key's does. That
the caller was answered is noted there after the answer is out, never before: a process that dies
between the two must not look as if it had answered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.state.jobs import Tombstone
from lib.core.jobs.job import Stage
from lib.core.outside.numbers import number
from lib.core.outside.records import MOMENT_AT_MOST
from lib.flows.read import valid_id

if TYPE_CHECKING:
    from lib.adapters.state.ledger import KeyEntry
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

UNANSWERED_S = 600.0
TOUCH_S = 30.0  # an unanswered repetition begins the ten minutes anew, noted so often at most
SLACK_S = TOUCH_S + 30.0  # the note's, and what two clocks of ours may differ by
DOUBTFUL = (Stage.SENDING, Stage.UNSURE)
ANSWERED, SEEN, RESENT = "answered", "seen", "resent"  # marks beside the binding
TURNS = 5


@dataclass(frozen=True)
class Repeats:
    """What a repetition of an answered request means to this client.

    Attributes:
        window_s: for how long it is a re-send, seconds; 0: it never is.
        attempt: which try of one call it is, for a client that says so: 0 is a wish of its own.
            None for one that does not.
    """

    window_s: float = 0.0
    attempt: int | None = None


@dataclass(frozen=True)
class Begun:
    """What a request without a key has been bound to.

    Attributes:
        entry: the binding that stands; its `id` is the job's.
        name: of the binding, as a key's hash.
        job: the job of an earlier attempt; None when it is still to be made, under `entry.id`.
    """

    entry: KeyEntry
    name: str
    job: Job | None


def begin(context: Context, owner: str, fingerprint: str, job_id: str, repeats: Repeats) -> Begun:
    """Bind a request to a job: a new one, or that of the attempt which this one repeats.

    Args:
        context: what the flows work with.
        owner: whose request.
        fingerprint: of the request.
        job_id: the new job's, if it is one.
        repeats: what a repetition means to this client.

    Raises:
        ApiError: the bucket does not answer; no job was made.
    """
    name = _hash(f"implicit window {fingerprint}")
    entry = context.ledger.take_key(owner, name, job_id, fingerprint, context.now())
    for _ in range(TURNS):
        if entry.id == job_id:
            if repeats.attempt:
                entry = _mark(context, entry, RESENT) or entry
            return Begun(entry, name, None)
        entry = _resolved(context, owner, entry)
        same, job = _same(context, owner, entry, repeats)
        if same:
            return Begun(_touched(context, entry, repeats), name, job)
        fresh = context.ledger.replace_key(owner, name, entry, job_id, fingerprint, context.now())
        entry = fresh or context.ledger.take_key(owner, name, job_id, fingerprint, context.now())
    # Whoever keeps coming first is the same request at the same moment.
    return Begun(entry, name, None)


def _same(
    context: Context, owner: str, entry: KeyEntry, repeats: Repeats
) -> tuple[bool, Job | None]:
    """Whether the request is the one that the binding was made for, and the job of that.

    A job that ended unpaid leaves nothing that could be paid twice, and a cancelled or deleted one
    is not what its owner asks for again. As long as nobody knows whether the upstream has a task,
    nobody who may not have been answered gets another. An attempt without a job is under way or
    dead: its id is taken over, and create-once decides who writes the job.
    """
    now, was_answered = context.now(), _was_answered(context, entry)
    recent = now - _seen(entry) <= UNANSWERED_S + SLACK_S
    try:
        job = context.jobs.find(owner, entry.id)
    except Tombstone:
        return False, None
    if job is None:
        return recent and not was_answered, None
    stage = job.state.stage if job.state else None
    if stage is Stage.CANCELLED or (job.verdict and job.verdict.paid is False):
        return False, None
    window_s = repeats.window_s
    if repeats.attempt == 0 and RESENT not in entry.meta.metadata:
        window_s = 0.0
    if stage in DOUBTFUL and (window_s or not was_answered):
        return True, job
    if recent and not was_answered:
        return True, job
    accepted = job.state.accepted_at if job.state else 0.0
    in_window = now - max(job.intent.created_at, accepted) <= window_s
    return window_s > 0 and in_window, job


def _was_answered(context: Context, entry: KeyEntry) -> bool:
    known = context.answered.get(entry.id, context.now())
    return known is not None or ANSWERED in entry.meta.metadata


def _seen(entry: KeyEntry) -> float:
    return max(entry.created_at, number(entry.meta.metadata.get(SEEN), 0.0, MOMENT_AT_MOST) or 0.0)


def _touched(context: Context, entry: KeyEntry, repeats: Repeats) -> KeyEntry:
    """The binding after one more attempt was led to its job."""
    now = context.now()
    marks: dict[str, str | None] = {}
    if now - _seen(entry) > TOUCH_S and not _was_answered(context, entry):
        marks[SEEN] = repr(now)
    if repeats.attempt == 0 and RESENT in entry.meta.metadata:
        # A first try that its own re-send has overtaken; the next first try is a wish of its own.
        marks[RESENT] = None
    return (_mark(context, entry, **marks) or entry) if marks else entry


def answered(context: Context, owner: str, begun: Begun) -> None:
    """The caller has the answer: the same request is a wish of its own from now on.

    Call it when the answer is out; a process that dies before leaves the request unanswered.

    Args:
        context: what the flows work with.
        owner: whose request.
        begun: as `submit` bound it.
    """
    remember_answered(context, begun.entry.id)
    entry: KeyEntry | None = begun.entry
    for _ in range(TURNS):
        if entry is None or entry.id != begun.entry.id or ANSWERED in entry.meta.metadata:
            return
        try:
            if context.ledger.mark_key(entry, **{ANSWERED: repr(context.now())}):
                return
            entry = context.ledger.key(owner, begun.name)
        except Exception as error:  # noqa: BLE001 - the answer is out; the caller is gone
            logs.event("answer.unmarked", job=begun.entry.id, reason=type(error).__name__)
            return


def remember_answered(context: Context, job_id: str) -> None:
    """Remember in this process that an id has reached its caller; costs no call.

    Args:
        context: what the flows work with.
        job_id: of a job whose id was answered, or is asked for.
    """
    context.answered.put(job_id, value=True, until=context.now() + 24 * 3600)


def _mark(context: Context, entry: KeyEntry, *names: str, **marks: str | None) -> KeyEntry | None:
    """Best effort: without it the ten minutes are counted from an earlier attempt."""
    try:
        return context.ledger.mark_key(entry, **dict.fromkeys(names, "1"), **marks)
    except Exception as error:  # noqa: BLE001 - the job is there, or on its way
        logs.event("answer.unmarked", job=entry.id, reason=type(error).__name__)
        return None


def _resolved(context: Context, owner: str, entry: KeyEntry) -> KeyEntry:
    """A binding of an older revision, which led to the job by a second object."""
    if valid_id(entry.id):
        return entry
    token = entry.id.removeprefix("again-")
    bound = context.ledger.key(owner, _hash(f"implicit:{entry.fingerprint}:{token}"))
    return replace(entry, id=bound.id) if bound else entry


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
