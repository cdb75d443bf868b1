"""The small objects that keep money safe: keys, claims and gates.

A key binds a caller's word to one job, a claim binds an upstream task to one job, a gate shares the
rate limit of an account. Each method is one conditional step and says who won. A key that cannot be
read is nobody's to take; a gate limits rate only, so that one that cannot be read is as if new.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.state.gates import Cursor, Gate, Watch
from lib.core.ids import TOKEN
from lib.core.outside.records import SCHEMA, Fields, NotReadable, RecordUnreadable, record
from lib.core.protocol.evidence import DISPUTED, Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.bucket.client import Bucket, Meta

__all__ = ["Cursor", "Gate", "KeyEntry", "Ledger", "Watch"]

JSON = "application/json"
CURSOR = "gates/tick.cursor"  # no account's name holds a full stop


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


class Ledger:
    """Keys, claims and gates.

    Args:
        bucket: where they lie.
        now: Unix seconds.
    """

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        self._bucket, self._now = bucket, now

    # keys/

    def take_key(self, owner: str, key: str, job_id: str, fingerprint: str, now: float) -> KeyEntry:
        """Bind a key to an id, once; the first binding wins.

        Returns:
            The binding that stands; its `id` is ours when we won.

        Raises:
            RecordUnreadable: there is a binding that this revision cannot read.
            ApiError: the bucket does not answer.
        """
        name = f"keys/{owner}/{key}.json"
        while True:
            try:
                meta = self._bucket.create(name, _entry(job_id, fingerprint, now), JSON)
            except Conflict:
                # Gone again between the two calls (lifecycle): bind it ourselves.
                if stored := self.key(owner, key):
                    return stored
            else:
                return KeyEntry(job_id, fingerprint, now, meta)

    def key(self, owner: str, key: str) -> KeyEntry | None:
        """What a key is bound to, None when it is free.

        Raises:
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        name = f"keys/{owner}/{key}.json"
        meta = self._bucket.stat(name)
        body = self._bucket.read(name) if meta else None
        if meta is None or body is None:
            return None
        try:
            read = Fields(record(body), "the key")
            entry = KeyEntry(
                read.text("id"), read.text("fingerprint"), read.number("created_at"), meta
            )
        except NotReadable as why:
            raise RecordUnreadable(name, str(why)) from None
        if not TOKEN.fullmatch(entry.id):
            raise RecordUnreadable(name, "the key leads to no id")
        return entry

    def replace_key(
        self, owner: str, key: str, old: KeyEntry, job_id: str, fingerprint: str, now: float
    ) -> KeyEntry | None:
        """Bind an expired key anew, if it is still as `old` saw it; None when somebody else did."""
        entry = _entry(job_id, fingerprint, now)
        name = f"keys/{owner}/{key}.json"
        try:
            meta = self._bucket.create(name, entry, JSON, generation=old.meta.generation)
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
            card = {"job": job_id, "key": key, "schema": str(SCHEMA)}
            self._bucket.create(name, job_id.encode(), "text/plain", card)
        except Conflict:
            stored = self._bucket.stat(name)
            return _claim(stored).job if stored else DISPUTED
        return job_id

    def dispute(self, account: str, task_id: str) -> str:
        """Say that a task can be nobody's; returns the id in the claim that stands."""
        return self.claim(account, task_id, DISPUTED)

    def claims(self, account: str) -> dict[str, Claim]:
        """Task id to its claim, of all claims of an account: one list.

        Raises:
            ApiError: the bucket does not answer.
        """
        prefix = f"claims/{account}/"
        return {
            meta.name.removeprefix(prefix): _claim(meta) for meta in self._bucket.objects(prefix)
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
        """The account's gate as it is now.

        Raises:
            ApiError: the bucket does not answer.
        """
        return Gate.read(account, self._bucket.stat(f"gates/{account}"), self._now())

    def move_gate(self, gate: Gate, by: str, **changes: Any) -> Gate | None:
        """Change the gate if nobody has since; None when somebody has.

        Args:
            gate: as read before.
            by: a fresh token, to know our own write again.
            changes: `next_send` (minutes ahead at most, whoever asks for more), `free`, `cursor`,
                `strikes`.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(gate, **changes).capped(self._now())
        meta = self._move(f"gates/{gate.account}", gate.meta, wanted.values(by))
        return replace(wanted, meta=meta) if meta else None

    def watch(self, account: str) -> Watch:
        """Who watches the account as it is now.

        Raises:
            ApiError: the bucket does not answer.
        """
        return Watch.read(account, self._bucket.stat(f"gates/{account}.watch"), self._now())

    def move_watch(self, watch: Watch, by: str, **changes: Any) -> Watch | None:
        """Take, renew or give back the watch if nobody has since; None when somebody has.

        Args:
            watch: as read before.
            by: a fresh token, to know our own write again.
            changes: `until`, `next_list`; never further ahead than a tick or a pause may be.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(watch, **changes).capped(self._now())
        meta = self._move(f"gates/{watch.account}.watch", watch.meta, wanted.values(by))
        return replace(wanted, meta=meta) if meta else None

    def cursor(self) -> Cursor:
        """Where the last tick that was cut short stopped.

        Raises:
            ApiError: the bucket does not answer.
        """
        return Cursor.read(self._bucket.stat(CURSOR), self._now())

    def keep_cursor(self, cursor: Cursor, places: Mapping[str, str]) -> None:
        """Say where a tick stopped, unless somebody else has said so since.

        Args:
            cursor: as read before.
            places: as in `Cursor`.

        Raises:
            ApiError: the bucket does not answer.
        """
        self._move(CURSOR, cursor.meta, Cursor(None, self._now(), places).values())

    def _move(self, name: str, meta: Meta | None, values: Mapping[str, str]) -> Meta | None:
        try:
            if meta is None:
                card = {**values, "schema": str(SCHEMA)}
                return self._bucket.create(name, b"", "text/plain", card)
            return self._bucket.patch(meta, values)
        except Conflict:
            stored = self._bucket.stat(name)
            return stored if stored and stored.metadata.get("by") == values["by"] else None
        except Missing:
            return None


def _entry(job_id: str, fingerprint: str, now: float) -> bytes:
    entry = {"schema": SCHEMA, "id": job_id, "fingerprint": fingerprint, "created_at": now}
    return json.dumps(entry).encode()


def _claim(meta: Meta) -> Claim:
    """Whose a task is; one that nobody can read is disputed: nobody may have it."""
    job, key = meta.metadata.get("job"), meta.metadata.get("key")
    whose = job if isinstance(job, str) and job else DISPUTED
    return Claim(whose, key if isinstance(key, str) else "")
