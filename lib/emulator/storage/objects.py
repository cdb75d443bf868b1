"""Objects and buckets in memory, changed one at a time: the truth of the emulator.

Every check-and-change runs under one lock, so a precondition and its write are one step.
Generations grow over the life of the store, metagenerations start at 1 with each generation. It
knows nothing of HTTP. Source: Cloud Storage documentation, "Objects", "Object metadata",
"Generations and preconditions".
"""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import google_crc32c

from lib.emulator.storage.errors import StorageError, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.storage.conditions import Conditions

METADATA_AT_MOST = 8 * 1024
NAME_AT_MOST = 1024
# The fields that a writer may set; everything else is the service's own.
WRITABLE = (
    "contentType",
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "customTime",
    "storageClass",
)


@dataclass(frozen=True)
class Stored:
    """One generation of an object."""

    bucket: str
    name: str
    content: bytes
    generation: int
    metageneration: int
    created: float
    updated: float
    fields: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    @property
    def md5(self) -> str:
        """Base64 MD5 of the content."""
        digest = hashlib.md5(self.content, usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    @property
    def crc32c(self) -> str:
        """Base64 big-endian CRC32C of the content."""
        return base64.b64encode(google_crc32c.value(self.content).to_bytes(4, "big")).decode()

    @property
    def etag(self) -> str:
        """Changes with every change of content or metadata."""
        raw = f"{self.generation}/{self.metageneration}".encode()
        return base64.b64encode(raw).decode()


@dataclass
class BucketState:
    """One bucket: its own metadata and its live objects."""

    name: str
    created: float
    updated: float
    metageneration: int = 1
    fields: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Stored] = field(default_factory=dict)


class Store:
    """All buckets.

    Args:
        clock: every time comes from here.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._last_generation = 0
        self.buckets: dict[str, BucketState] = {}

    @property
    def lock(self) -> threading.RLock:
        """Held around every check-and-change."""
        return self._lock

    def bucket(self, name: str) -> BucketState:
        """A bucket.

        Raises:
            StorageError: 404.
        """
        try:
            return self.buckets[name]
        except KeyError:
            raise not_found(f"bucket: {name}", bucket=True) from None

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
        content: bytes,
        fields: Mapping[str, Any],
        conditions: Conditions,
    ) -> Stored:
        """Write a new generation if the conditions hold.

        Raises:
            StorageError: 400 for a bad name or metadata, 404 without the bucket, 412.
        """
        check_name(name)
        metadata = custom_metadata(fields.get("metadata") or {})
        with self._lock:
            home = self.bucket(bucket)
            conditions.check(home.objects.get(name))
            now = self._clock.now()
            # Microseconds, as the service's generations look; strictly growing on a frozen clock.
            self._last_generation = max(self._last_generation + 1, int(now * 1_000_000))
            stored = Stored(
                bucket,
                name,
                content,
                self._last_generation,
                1,
                now,
                now,
                {key: str(fields[key]) for key in WRITABLE if fields.get(key) is not None},
                metadata,
            )
            home.objects[name] = stored
            return stored

    def change(
        self,
        bucket: str,
        name: str,
        generation: int | None,
        conditions: Conditions,
        edit: Callable[[Stored], tuple[Mapping[str, str], Mapping[str, str]]],
    ) -> Stored:
        """Change the metadata of the live object if the conditions hold.

        Args:
            bucket: where.
            name: which.
            generation: which generation it must be; None takes the live one.
            conditions: judged under the lock.
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
                fields=fields,
                metadata=custom_metadata(metadata),
                metageneration=old.metageneration + 1,
                updated=self._clock.now(),
            )
            self.bucket(bucket).objects[name] = new
            return new

    def delete(
        self, bucket: str, name: str, generation: int | None, conditions: Conditions
    ) -> None:
        """Delete the live object if the conditions hold.

        Raises:
            StorageError: 404, 412.
        """
        with self._lock:
            conditions.check(self.live(bucket, name, generation))
            del self.bucket(bucket).objects[name]


def check_name(name: str) -> None:
    """Refuse what the service refuses ("Object naming requirements").

    Raises:
        StorageError: 400.
    """
    encoded = name.encode("utf-8", "surrogatepass")
    if not 1 <= len(encoded) <= NAME_AT_MOST:
        raise invalid(f"An object name has 1 to {NAME_AT_MOST} bytes; this has {len(encoded)}.")
    if name in {".", ".."} or "\r" in name or "\n" in name:
        raise invalid(f"The object name {name!r} is not allowed.")
    if name.startswith(".well-known/acme-challenge/"):
        raise invalid("Object names must not start with .well-known/acme-challenge/.")


def custom_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Custom metadata as the service keeps it: texts, 8 KiB in all ("Quotas & limits").

    Raises:
        StorageError: 400 above the limit or for a value that is no text.
    """
    kept: dict[str, str] = {}
    for key, value in values.items():
        if not isinstance(value, str):
            raise invalid(f"Invalid value for metadata {key!r}: a string is expected.", "metadata")
        kept[key] = value
    size = sum(len(key.encode()) + len(value.encode()) for key, value in kept.items())
    if size > METADATA_AT_MOST:
        message = f"The metadata is {size} bytes large; {METADATA_AT_MOST} are allowed."
        raise StorageError(400, "metadataTooLarge", message, "MetadataTooLarge")
    return kept
