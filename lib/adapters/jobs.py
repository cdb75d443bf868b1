"""The state of every job as objects: pending, jobs, keys, claims, gates.

Each method is one conditional step of the protocol and says who won; which step comes next is the
flows' business. A write whose answer was lost is recognised by its token (`by`), never by hope.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket import Conflict, Meta, Missing
from lib.core.job import Intent, Job, State, Verdict, check_ending
from lib.core.reconcile import DISPUTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.bucket import Bucket

JSON = "application/json"


@dataclass(frozen=True)
class Held:
    """A pending object as this process last saw or wrote it.

    Attributes:
        owner: whose job.
        id: which job.
        state: its state.
        meta: the object's versions; conditions of the next write come from here.
    """

    owner: str
    id: str
    state: State
    meta: Meta


@dataclass(frozen=True)
class KeyEntry:
    """What an Idempotency-Key stands for.

    Attributes:
        id: the job's id.
        fingerprint: of the request that used it first.
        created_at: Unix seconds.
        meta: the object's versions.
    """

    id: str
    fingerprint: str
    created_at: float
    meta: Meta


@dataclass(frozen=True)
class Gate:
    """The shared rate limit of one account.

    Attributes:
        account: which.
        meta: the object's versions; None before it was first written.
        next_send: Unix seconds before which nobody sends.
        free: task slots believed free upstream.
        cursor: the owner who sent last.
        strikes: refusals for rate or fullness in a row.
    """

    account: str
    meta: Meta | None
    next_send: float = 0.0
    free: int = 1
    cursor: str = ""
    strikes: int = 0


class Tombstone(Exception):  # noqa: N818 - an event that callers act on
    """The job was deleted by its owner."""


class Jobs:
    """The bucket state.

    Args:
        bucket: where it lies.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    # pending/

    def create(self, intent: Intent, state: State) -> Held | None:
        """Write the intent with its first state, once; None when the job already exists.

        Raises:
            ApiError: the bucket does not answer; whether the object exists is then unknown.
        """
        name = _pending(intent.owner, intent.id)
        try:
            meta = self._bucket.create(name, _dump(intent.to_json()), JSON, state.to_metadata())
        except Conflict:
            return self._ours(name, state)
        return Held(intent.owner, intent.id, state, meta)

    def patch(self, held: Held, state: State) -> Held | None:
        """Change the state if nobody else has since `held`; None when somebody has.

        Raises:
            ApiError: the bucket does not answer; whether the change took effect is then unknown.
        """
        try:
            meta = self._bucket.patch(held.meta, state.to_metadata())
        except Conflict:
            return self._ours(held.meta.name, state)
        except Missing:
            return None
        return replace(held, state=state, meta=meta)

    def _ours(self, name: str, state: State) -> Held | None:
        meta = self._bucket.stat(name)
        # An equal state is our own write, or another of the very same step, which is as good.
        if meta is None or State.from_metadata(meta.metadata) != state:
            return None
        return _held(meta)

    def pending(self, prefix: str = "") -> list[Held]:
        """Every live job, or those of one owner, newest first within an owner.

        Raises:
            ApiError: the bucket does not answer.
        """
        return [_held(meta) for meta in self._bucket.objects(f"pending/{prefix}")]

    def reread(self, held: Held) -> Held | None:
        """The same job as it is now; None when it is no longer pending."""
        meta = self._bucket.stat(held.meta.name)
        return _held(meta) if meta else None

    def intent(self, held: Held) -> Intent | None:
        """The body of a pending object; None when it is gone."""
        body = self._bucket.read(held.meta.name)
        return Intent.from_json(json.loads(body)) if body is not None else None

    def drop(self, held: Held) -> bool:
        """Delete the pending object as this process last wrote it.

        Returns:
            False when it changed since: whoever changed it now holds it and will finish it.
        """
        try:
            self._bucket.delete(held.meta.name, held.meta.generation, held.meta.metageneration)
        except Conflict:
            return False
        return True

    # jobs/

    def finish(self, intent: Intent, stage_from: State, verdict: Verdict) -> Verdict:
        """Write the verdict once; the stored one wins.

        Returns:
            The verdict that stands: ours, or the one that was there first.

        Raises:
            Tombstone: the owner deleted the job meanwhile.
            IllegalTransition: this stage cannot end so.
            ApiError: the bucket does not answer.
        """
        check_ending(stage_from.stage, verdict.status)
        body = {"intent": intent.to_json(), "verdict": verdict.to_json()}
        try:
            self._bucket.create(_finished(intent.owner, intent.id), _dump(body), JSON)
        except Conflict:
            stored = self.finished(intent.owner, intent.id)
            return stored.verdict if stored and stored.verdict else verdict
        return verdict

    def finished(self, owner: str, job_id: str) -> Job | None:
        """The finished job, None when there is no verdict.

        Raises:
            Tombstone: the owner deleted it.
            ApiError: the bucket does not answer.
        """
        body = self._bucket.read(_finished(owner, job_id))
        if body is None:
            return None
        data = json.loads(body)
        if data.get("deleted"):
            raise Tombstone(job_id)
        return Job(Intent.from_json(data["intent"]), verdict=Verdict.from_json(data["verdict"]))

    def find(self, owner: str, job_id: str) -> Job | None:
        """The job as a reader sees it; None when the owner has none of that id.

        `pending/` is read before `jobs/`, and `jobs/` wins: the other order would lose a job for
        the moment in which it moves.

        Raises:
            Tombstone: the owner deleted it.
            ApiError: the bucket does not answer.
        """
        name = _pending(owner, job_id)
        meta = self._bucket.stat(name)
        body = self._bucket.read(name) if meta else None
        finished = self.finished(owner, job_id)
        if finished or meta is None or body is None:
            # A job that moved between our two reads of pending/ is in jobs/ by now.
            return finished
        return Job(Intent.from_json(json.loads(body)), State.from_metadata(meta.metadata))

    # keys/

    def take_key(self, owner: str, key: str, job_id: str, fingerprint: str, now: float) -> KeyEntry:
        """Bind a key to an id, once; the first binding wins.

        Returns:
            The binding that stands; its `id` is ours when we won.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = f"keys/{owner}/{key}.json"
        entry = {"id": job_id, "fingerprint": fingerprint, "created_at": now}
        while True:
            try:
                meta = self._bucket.create(name, _dump(entry), JSON)
            except Conflict:
                # Gone again between the two calls (lifecycle): bind it ourselves.
                if stored := self.key(owner, key):
                    return stored
            else:
                return KeyEntry(job_id, fingerprint, now, meta)

    def key(self, owner: str, key: str) -> KeyEntry | None:
        """What a key is bound to, None when it is free."""
        name = f"keys/{owner}/{key}.json"
        meta = self._bucket.stat(name)
        body = self._bucket.read(name) if meta else None
        if meta is None or body is None:
            return None
        data = json.loads(body)
        return KeyEntry(data["id"], data["fingerprint"], data["created_at"], meta)

    def replace_key(
        self, owner: str, key: str, old: KeyEntry, job_id: str, fingerprint: str, now: float
    ) -> KeyEntry | None:
        """Bind an expired key anew, if it is still as `old` saw it; None when somebody else did."""
        entry = {"id": job_id, "fingerprint": fingerprint, "created_at": now}
        name = f"keys/{owner}/{key}.json"
        try:
            meta = self._bucket.create(name, _dump(entry), JSON, generation=old.meta.generation)
        except Conflict:
            stored = self.key(owner, key)
            return stored if stored and stored.id == job_id else None
        return KeyEntry(job_id, fingerprint, now, meta)

    # claims/

    def claim(self, account: str, task_id: str, job_id: str) -> str:
        """Say once and for all whose task this is.

        Returns:
            The id in the claim that stands, or `DISPUTED`; ours when we won.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = f"claims/{account}/{task_id}"
        try:
            self._bucket.create(name, job_id.encode(), "text/plain", {"job": job_id})
        except Conflict:
            stored = self._bucket.stat(name)
            return stored.metadata.get("job", DISPUTED) if stored else DISPUTED
        return job_id

    def dispute(self, account: str, task_id: str) -> str:
        """Say that a task can be nobody's; returns the id in the claim that stands."""
        return self.claim(account, task_id, DISPUTED)

    def claims(self, account: str) -> dict[str, str]:
        """Task id to job id (or `DISPUTED`), of all claims of an account: one list."""
        prefix = f"claims/{account}/"
        return {
            meta.name.removeprefix(prefix): meta.metadata.get("job", DISPUTED)
            for meta in self._bucket.objects(prefix)
        }

    # gates/

    def gate(self, account: str) -> Gate:
        """The account's gate as it is now."""
        meta = self._bucket.stat(f"gates/{account}")
        if meta is None:
            return Gate(account, None)
        values = meta.metadata
        return Gate(
            account,
            meta,
            float(values.get("next_send", 0)),
            int(values.get("free", 1)),
            values.get("cursor", ""),
            int(values.get("strikes", 0)),
        )

    def move_gate(self, gate: Gate, by: str, **changes: Any) -> Gate | None:
        """Change the gate if nobody has since; None when somebody has.

        Args:
            gate: as read before.
            by: a fresh token, to know our own write again.
            changes: `next_send`, `free`, `cursor`, `strikes`.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(gate, **changes)
        values: Mapping[str, str] = {
            "by": by,
            "next_send": repr(wanted.next_send),
            "free": str(wanted.free),
            "cursor": wanted.cursor,
            "strikes": str(wanted.strikes),
        }
        try:
            if gate.meta is None:
                meta = self._bucket.create(f"gates/{gate.account}", b"", "text/plain", values)
            else:
                meta = self._bucket.patch(gate.meta, values)
        except Conflict:
            stored = self._bucket.stat(f"gates/{gate.account}")
            if stored is None or stored.metadata.get("by") != by:
                return None
            meta = stored
        except Missing:
            return None
        return replace(wanted, meta=meta)


def _pending(owner: str, job_id: str) -> str:
    return f"pending/{owner}/{job_id}.json"


def _finished(owner: str, job_id: str) -> str:
    return f"jobs/{owner}/{job_id}.json"


def _held(meta: Meta) -> Held:
    _, owner, file = meta.name.split("/", 2)
    return Held(owner, file.removesuffix(".json"), State.from_metadata(meta.metadata), meta)


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
