"""Buckets and their live objects, changed one at a time.

Every check-and-change runs under one lock, so a precondition and its write are one step.
Generations grow over the life of the store, metagenerations start at 1 with each generation. It
knows nothing of HTTP. Source: Cloud Storage documentation, "Objects", "Request preconditions".
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import not_found
from lib.emulator.storage.model.contents import Contents
from lib.emulator.storage.model.index import Index
from lib.emulator.storage.model.metadata import check_name, kept_fields, kept_metadata
from lib.emulator.storage.model.states import BucketState, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lib.emulator.clock import Clock
    from lib.emulator.storage.model.conditions import Conditions


class Store:
    """All buckets.

    Args:
        clock: every time comes from here.
        folder: where everything is kept over restarts; None keeps it in memory.

    Raises:
        RuntimeError: another process uses the folder.
    """

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._last_generation = 0
        self.buckets: dict[str, BucketState] = {}
        self._contents = Contents(folder / "contents" if folder else None)
        self._index = Index(folder / "index.sqlite") if folder else None
        if self._index:
            self._load(self._index)

    def _load(self, index: Index) -> None:
        self.buckets = {row["name"]: BucketState(**row) for row in index.buckets()}
        self._last_generation = index.last_generation()
        used = set()
        for file, row in index.objects():
            sums = {key: row.pop(key) for key in ("size", "md5", "crc32c")}
            content = self._contents.found(file, **sums)
            if content is not None:
                used.add(file)
                self.buckets[row["bucket"]].objects[row["name"]] = Stored(content=content, **row)
        self._contents.sweep(used)

    def close(self) -> None:
        """Let go of the data folder."""
        if self._index:
            self._index.close()

    @property
    def lock(self) -> threading.RLock:
        """Held around every check-and-change."""
        return self._lock

    # Buckets

    def bucket(self, name: str) -> BucketState:
        """A bucket.

        Raises:
            StorageError: 404.
        """
        try:
            return self.buckets[name]
        except KeyError:
            raise not_found(f"bucket: {name}", bucket=True) from None

    def save_bucket(self, bucket: BucketState) -> None:
        """Add a bucket, or keep a change of its metadata."""
        with self._lock:
            self.buckets[bucket.name] = bucket
            if self._index:
                self._index.save_bucket(bucket)

    def drop_bucket(self, name: str) -> None:
        """Forget a bucket."""
        with self._lock:
            del self.buckets[name]
            if self._index:
                self._index.drop_bucket(name)

    # Objects

    def live(self, bucket: str, name: str, generation: int | None = None) -> Stored:
        """The live object, if it is of that generation.

        Raises:
            StorageError: 404, also for a generation that has been overwritten.
        """
        found = self.bucket(bucket).objects.get(name)
        if found is None or (generation is not None and found.generation != generation):
            suffix = f"#{generation}" if generation is not None else ""
            raise not_found(f"object: {bucket}/{name}{suffix}")
        return found

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes,
        fields: Mapping[str, Any],
        conditions: Conditions,
    ) -> Stored:
        """Write a new generation if the conditions hold.

        Raises:
            StorageError: 400 for a bad name or metadata, 404 without the bucket, 412.
        """
        check_name(name)
        kept = kept_fields(fields)
        metadata = kept_metadata(fields.get("metadata") or {})
        conditions.check(self.bucket(bucket).objects.get(name))  # before the bytes are written
        content = self._contents.keep(data)
        try:
            with self._lock:
                holder = self.bucket(bucket)
                old = holder.objects.get(name)
                conditions.check(old)
                kept = {"storageClass": holder.fields.get("storageClass", "STANDARD"), **kept}
                now, number = self._clock.now(), self._next_generation()
                stored = Stored(bucket, name, content, number, 1, now, now, kept, metadata)
                self._keep(holder, stored)
        except BaseException:
            self._contents.drop(content)
            raise
        if old is not None:
            self._contents.drop(old.content)
        return stored

    def _next_generation(self) -> int:
        # Microseconds, as the service's generations look; strictly growing on a frozen clock.
        now_us = int(self._clock.now() * 1_000_000)
        self._last_generation = max(self._last_generation + 1, now_us)
        return self._last_generation

    def _keep(self, holder: BucketState, stored: Stored) -> None:
        if self._index:
            self._index.save_object(stored)
        holder.objects[stored.name] = stored

    def overwrite(self, stored: Stored) -> None:
        """Keep an object as the service itself changed it (lifecycle): no new metageneration."""
        with self._lock:
            self._keep(self.bucket(stored.bucket), stored)

    def change(
        self,
        bucket: str,
        name: str,
        generation: int | None,
        conditions: Conditions,
        edit: Callable[[Stored], tuple[Mapping[str, Any], Mapping[str, Any]]],
    ) -> Stored:
        """Change the metadata of the live object if the conditions hold.

        Args:
            bucket: where.
            name: which.
            generation: which generation it must be; None takes the live one.
            conditions: checked under the lock.
            edit: from the old object to the new fields and the new custom metadata.

        Raises:
            StorageError: 404, 412, or 400 for bad metadata.
        """
        with self._lock:
            old = self.live(bucket, name, generation)
            conditions.check(old)
            fields, metadata = edit(old)
            new = replace(
                old,
                fields=kept_fields(fields, old.fields),
                metadata=kept_metadata(metadata),
                metageneration=old.metageneration + 1,
                updated=self._clock.now(),
            )
            self._keep(self.bucket(bucket), new)
            return new

    def delete(
        self, bucket: str, name: str, generation: int | None, conditions: Conditions
    ) -> None:
        """Delete the live object if the conditions hold.

        Raises:
            StorageError: 404, 412.
        """
        with self._lock:
            old = self.live(bucket, name, generation)
            conditions.check(old)
            if self._index:
                self._index.drop_object(bucket, name)
            del self.bucket(bucket).objects[name]
        self._contents.drop(old.content)
