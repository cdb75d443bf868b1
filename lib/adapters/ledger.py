"""The small objects that keep money safe: keys, claims and gates.

A key binds a caller's word to one job, a claim binds an upstream task to one job, a gate shares the
rate limit of an account. Each method is one conditional step and says who won.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lib.adapters.faults import Conflict, Missing
from lib.core.reconcile import DISPUTED, Claim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.bucket import Bucket, Meta

JSON = "application/json"


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
    free: int = 2
    cursor: str = ""
    strikes: int = 0


@dataclass(frozen=True)
class Watch:
    """Who asks an account's upstream about its tasks: one at a time, whoever watches whom.

    Attributes:
        account: which.
        meta: the object's versions; None before it was first written.
        until: when the holder's turn ends, Unix seconds.
        next_list: Unix seconds before which nobody lists.
    """

    account: str
    meta: Meta | None
    until: float = 0.0
    next_list: float = 0.0


class Ledger:
    """Keys, claims and gates.

    Args:
        bucket: where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

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
                meta = self._bucket.create(name, json.dumps(entry).encode(), JSON)
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
            meta = self._bucket.create(
                name, json.dumps(entry).encode(), JSON, generation=old.meta.generation
            )
        except Conflict:
            stored = self.key(owner, key)
            return stored if stored and stored.id == job_id else None
        return KeyEntry(job_id, fingerprint, now, meta)

    def mark_key(self, entry: KeyEntry, **marks: str | None) -> KeyEntry | None:
        """Note something beside a binding, if nobody has since `entry`; None when somebody has.

        Args:
            entry: as read or written before.
            marks: metadata to merge; None takes a mark away.

        Raises:
            ApiError: the bucket does not answer.
        """
        try:
            return replace(entry, meta=self._bucket.patch(entry.meta, marks))
        except (Conflict, Missing):
            return None

    # claims/

    def claim(self, account: str, task_id: str, job_id: str, key: str = "") -> str:
        """Say once and for all whose task this is.

        Args:
            account: whose list shows it.
            task_id: the upstream task.
            job_id: our job, or `DISPUTED`.
            key: the id of the API key that made it; empty when nobody knows.

        Returns:
            The id in the claim that stands, or `DISPUTED`; ours when we won.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = f"claims/{account}/{task_id}"
        try:
            card = {"job": job_id, "key": key}
            self._bucket.create(name, job_id.encode(), "text/plain", card)
        except Conflict:
            stored = self._bucket.stat(name)
            return stored.metadata.get("job", DISPUTED) if stored else DISPUTED
        return job_id

    def dispute(self, account: str, task_id: str) -> str:
        """Say that a task can be nobody's; returns the id in the claim that stands."""
        return self.claim(account, task_id, DISPUTED)

    def claims(self, account: str) -> dict[str, Claim]:
        """Task id to its claim, of all claims of an account: one list."""
        prefix = f"claims/{account}/"
        return {
            meta.name.removeprefix(prefix): Claim(
                meta.metadata.get("job", DISPUTED), meta.metadata.get("key", "")
            )
            for meta in self._bucket.objects(prefix)
        }

    def check(self) -> None:
        """Whether the bucket answers: one list.

        Raises:
            ApiError: it does not.
        """
        for _ in self._bucket.objects("gates/"):
            return

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
            int(values.get("free", 2)),
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
        meta = self._move(f"gates/{gate.account}", gate.meta, values)
        return replace(wanted, meta=meta) if meta else None

    def watch(self, account: str) -> Watch:
        """Who watches the account as it is now."""
        meta = self._bucket.stat(f"gates/{account}.watch")
        if meta is None:
            return Watch(account, None)
        values = meta.metadata
        return Watch(
            account, meta, float(values.get("until", 0)), float(values.get("next_list", 0))
        )

    def move_watch(self, watch: Watch, by: str, **changes: Any) -> Watch | None:
        """Take, renew or give back the watch if nobody has since; None when somebody has.

        Args:
            watch: as read before.
            by: a fresh token, to know our own write again.
            changes: `until`, `next_list`.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(watch, **changes)
        values = {"by": by, "until": repr(wanted.until), "next_list": repr(wanted.next_list)}
        meta = self._move(f"gates/{watch.account}.watch", watch.meta, values)
        return replace(wanted, meta=meta) if meta else None

    def _move(self, name: str, meta: Meta | None, values: Mapping[str, str]) -> Meta | None:
        try:
            if meta is None:
                return self._bucket.create(name, b"", "text/plain", values)
            return self._bucket.patch(meta, values)
        except Conflict:
            stored = self._bucket.stat(name)
            return stored if stored and stored.metadata.get("by") == values["by"] else None
        except Missing:
            return None
