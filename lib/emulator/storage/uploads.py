"""Resumable uploads: sessions that become objects with their last byte.

A session is kept in memory and ends with the process or after a week; its
conditions are checked when it finishes. Source: Cloud Storage documentation, "Resumable uploads".
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.multipart import check_hashes, content_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.storage.model.conditions import Conditions
    from lib.emulator.storage.model.states import Stored
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.multipart import ContentRange

QUANTUM = 256 * 1024
LIFE_S = 7 * 24 * 3600
CANCELLED = 499


@dataclass
class UploadSession:
    """One resumable upload.

    Attributes:
        bucket: where the object will be.
        name: its name.
        fields: its metadata and declared checksums.
        conditions: checked at the finish.
        total: its size, when it was declared.
        sizes: the smallest and the largest size allowed.
    """

    bucket: str
    name: str
    fields: dict[str, Any]
    conditions: Conditions
    total: int | None = None
    sizes: tuple[int, int] | None = None
    started: float = 0.0
    data: bytearray = field(default_factory=bytearray, repr=False)
    stored: Stored | None = None
    cancelled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass(frozen=True)
class Chunk:
    """One request to a session.

    Attributes:
        content_range: the header; None sends everything at once.
        data: the bytes that came.
        hashes: `md5Hash` and `crc32c` declared with this request.
        cut: whether the connection broke on the way.
    """

    content_range: str | None
    data: bytes
    hashes: Mapping[str, str]
    cut: bool = False


class ResumableUploads:
    """All resumable uploads.

    Args:
        store: where finished ones go.
        clock: sessions age by it.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._sessions: dict[str, UploadSession] = {}

    def clear(self) -> None:
        """Forget all sessions."""
        self._sessions.clear()

    def start(self, session: UploadSession) -> str:
        """Open a session; returns its id, which is all that its user needs.

        Raises:
            StorageError: 404 without the bucket.
        """
        self._store.bucket(session.bucket)
        session.started = self._clock.now()
        upload_id = secrets.token_urlsafe(32)
        self._sessions[upload_id] = session
        return upload_id

    def session(self, upload_id: str) -> UploadSession:
        """An open or finished session.

        Raises:
            StorageError: 404 for an unknown one, 410 after a week, 499 for a cancelled one.
        """
        session = self._sessions.get(upload_id)
        if session is None:
            raise StorageError(404, "notFound", f"No such upload: {upload_id}", "NoSuchUpload")
        if session.cancelled:
            raise _cancelled()
        if self._clock.now() > session.started + LIFE_S:
            raise StorageError(410, "gone", "The upload session has expired.", "NoSuchUpload")
        return session

    def send(self, session: UploadSession, chunk: Chunk) -> Stored | None:
        """Take a chunk, or answer a status query.

        Returns:
            The object when the upload is complete, None while it is not.

        Raises:
            StorageError: 400 for a gap, a bad range or a checksum that does not match; 412.
        """
        with session.lock:
            if session.stored is not None:
                return session.stored  # the repeat of a last request whose answer was lost
            if session.cancelled:
                raise _cancelled()
            if chunk.content_range is None:
                self._everything(session, chunk)
            else:
                self._part(session, chunk, content_range(chunk.content_range))
            if chunk.cut or session.total is None or len(session.data) < session.total:
                return None
            return self._finish(session, chunk)

    def _finish(self, session: UploadSession, chunk: Chunk) -> Stored:
        data = bytes(session.data)
        check_size(len(data), session.sizes)
        check_hashes(data, {**session.fields, **chunk.hashes})
        session.stored = self._store.put(
            session.bucket, session.name, data, session.fields, session.conditions
        )
        session.data = bytearray()
        return session.stored

    def _everything(self, session: UploadSession, chunk: Chunk) -> None:
        if not chunk.cut:
            _declare(session, len(chunk.data))
        session.data[:] = _quanta(chunk.data, 0) if chunk.cut else chunk.data

    def _part(self, session: UploadSession, chunk: Chunk, span: ContentRange) -> None:
        if span.total is not None:
            _declare(session, span.total)
        if span.first is None:
            return
        if not chunk.cut and len(chunk.data) != span.last - span.first + 1:
            message = f"{len(chunk.data)} bytes came, {chunk.content_range!r} declares others."
            raise invalid(message, "Content-Range")
        have = len(session.data)
        if span.first > have:
            message = f"The upload has {have} bytes; a chunk at {span.first} leaves a gap."
            raise invalid(message, "Content-Range")
        fresh = chunk.data[have - span.first :]
        whole = not chunk.cut and session.total is not None
        session.data += fresh if whole else _quanta(fresh, have)

    def cancel(self, session: UploadSession) -> StorageError:
        """Give an unfinished upload up; returns 499, which is how the service says so."""
        with session.lock:
            if session.stored is None:
                session.cancelled = True
                session.data = bytearray()
        return _cancelled()


def _declare(session: UploadSession, total: int) -> None:
    if session.total is not None and session.total != total:
        message = f"The total size was declared as {session.total} before, now as {total}."
        raise invalid(message, "Content-Range")
    session.total = total


def _quanta(fresh: bytes, have: int) -> bytes:
    # Only whole quanta are kept before the end is known.
    return fresh[: max((have + len(fresh)) // QUANTUM * QUANTUM - have, 0)]


def _cancelled() -> StorageError:
    return StorageError(CANCELLED, "cancelled", "The upload was cancelled.", "Cancelled")


def check_size(size: int, allowed: tuple[int, int] | None) -> None:
    """Check a size by `x-goog-content-length-range` (XML API, "Request headers").

    Raises:
        StorageError: 400.
    """
    if allowed is None:
        return
    code = "EntityTooSmall" if size < allowed[0] else "EntityTooLarge"
    if not allowed[0] <= size <= allowed[1]:
        message = f"The content has {size} bytes; {allowed[0]} to {allowed[1]} are allowed."
        raise StorageError(400, "invalid", message, code)
