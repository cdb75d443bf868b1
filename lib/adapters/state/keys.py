"""Idempotency-Keys as objects under `keys/`: each binds a caller's word to one job.

The first binding wins; each method is one conditional step and says who won. A key that cannot be
read is nobody's to take.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib.adapters.bucket.errors import Conflict, Missing
from lib.core.ids import TOKEN
from lib.core.outside.records import SCHEMA, Fields, NotReadable, RecordUnreadable, record

if TYPE_CHECKING:
    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta

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


class Keys:
    """The objects under `keys/`.

    Args:
        bucket: where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

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


def _entry(job_id: str, fingerprint: str, now: float) -> bytes:
    entry = {"schema": SCHEMA, "id": job_id, "fingerprint": fingerprint, "created_at": now}
    return json.dumps(entry).encode()
