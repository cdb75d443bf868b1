"""Frames on their way in: files that a client uploads before the create that names them.

They lie under `uploads/`, belong to one owner (those of the service's own dialect to one model,
too) and count for 48 hours, as the service's temporary files do (Model Studio, "Upload a local file
to get a temporary URL"). A rule of the bucket removes them; nothing here overwrites or deletes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.bucket.errors import Conflict, Missing
from lib.core.errors import STORAGE_UNAVAILABLE, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta

LIFE_S = 48 * 3600.0


class Temporaries:
    """The temporary files of all owners.

    Args:
        bucket: where they lie.
        now: Unix seconds.
    """

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        self._bucket, self._now = bucket, now

    def store(self, owner: str, model: str, key: str, data: bytes) -> bool:
        """Keep a file; False when another one has that key. The same one twice is one object.

        Raises:
            ApiError: the bucket does not answer.
        """
        place = name(owner, key)
        try:
            self._bucket.create(place, data, "application/octet-stream", {"model": model})
        except Conflict:
            # A re-sent form, or our own write whose answer was lost, is no other file.
            return self._bucket.read(place) == data
        return True

    def read(self, owner: str, model: str, key: str) -> bytes | None:
        """A file; None when it is not there, of another model, or older than 48 hours.

        Raises:
            ApiError: the bucket does not answer.
        """
        meta = self.find(owner, key)
        if meta is None or meta.metadata.get("model") != model:
            return None
        return self._bucket.read(meta.name)

    def find(self, owner: str, key: str) -> Meta | None:
        """A file without its content; None when it is not there or older than 48 hours.

        Raises:
            ApiError: the bucket does not answer.
        """
        meta = self._bucket.stat(name(owner, key))
        if meta is None or self._now() > meta.created_at + LIFE_S:
            return None
        return meta

    def of(self, owner: str) -> Iterator[Meta]:
        """Every file of an owner that lies there, used or not.

        Raises:
            ApiError: the bucket does not answer.
        """
        return self._bucket.objects(name(owner, ""))

    def content(self, meta: Meta) -> bytes:
        """The content of a file that `find` found: of that very generation, never longer.

        Raises:
            ApiError: the bucket does not answer, or the file was replaced meanwhile.
        """
        try:
            return b"".join(self._bucket.blocks(meta))
        except Missing:
            raise ApiError(
                STORAGE_UNAVAILABLE, "The uploaded file was replaced while it was read. Try again."
            ) from None


def name(owner: str, key: str) -> str:
    """The object's name of an owner's file."""
    return f"uploads/{owner}/{key}"
