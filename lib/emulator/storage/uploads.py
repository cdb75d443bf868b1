"""Getting bytes in: multipart, media and resumable uploads.

A resumable session lives beside the objects and becomes one only with its last byte; conditions are
judged then. Sources: Cloud Storage documentation, "Uploads and downloads", "Resumable uploads".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.objects import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.conditions import Conditions
    from lib.emulator.storage.objects import Store

QUANTUM = 256 * 1024
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
CANCELLED = 499


@dataclass
class Session:
    """One resumable upload."""

    bucket: str
    name: str
    fields: dict[str, Any]
    conditions: Conditions
    data: bytearray = field(default_factory=bytearray)
    total: int | None = None
    stored: Stored | None = None
    cancelled: bool = False


class Uploads:
    """All uploads of a store.

    Args:
        store: where finished ones go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, Session] = {}

    def whole(
        self,
        bucket: str,
        name: str,
        content: bytes,
        fields: Mapping[str, Any],
        conditions: Conditions,
    ) -> Stored:
        """An upload in one request.

        Raises:
            StorageError: 400 for a declared checksum that does not match, 412, 404.
        """
        check_hashes(content, fields)
        return self._store.put(bucket, name, content, fields, conditions)

    def start(self, session: Session) -> str:
        """Open a resumable session; returns its id.

        Raises:
            StorageError: 404 without the bucket.
        """
        self._store.bucket(session.bucket)
        upload_id = secrets.token_urlsafe(32)
        self._sessions[upload_id] = session
        return upload_id

    def session(self, upload_id: str) -> Session:
        """An open or finished session.

        Raises:
            StorageError: 404 for an unknown one, 499 for a cancelled one.
        """
        session = self._sessions.get(upload_id)
        if session is None:
            raise StorageError(404, "notFound", f"No such upload: {upload_id}", "NoSuchUpload")
        if session.cancelled:
            raise StorageError(CANCELLED, "cancelled", "The upload was cancelled.", "Cancelled")
        return session

    def send(
        self, session: Session, content_range: str | None, data: bytes, hashes: Mapping[str, str]
    ) -> Stored | None:
        """Take a chunk, or answer a status query.

        Args:
            session: which.
            content_range: the header; None sends everything at once.
            data: the bytes.
            hashes: `md5Hash` and `crc32c` declared with this request.

        Returns:
            The object when the upload is complete, None while it is not.

        Raises:
            StorageError: 400 for a gap, a bad range or a checksum that does not match; 412.
        """
        with self._store.lock:
            if session.stored is not None:
                return session.stored
            if content_range is None:
                session.data[:], session.total = data, len(data)
            else:
                self._chunk(session, content_range, data)
            if session.total is None or len(session.data) < session.total:
                return None
            content = bytes(session.data)
            check_hashes(content, {**session.fields, **hashes})
            session.stored = self._store.put(
                session.bucket, session.name, content, session.fields, session.conditions
            )
            session.data.clear()
            return session.stored

    def _chunk(self, session: Session, content_range: str, data: bytes) -> None:
        match = RANGE.fullmatch(content_range)
        if match is None:
            raise invalid(f"Malformed Content-Range: {content_range!r}.", "Content-Range")
        first, last, total = match.groups()
        if total != "*":
            if session.total is not None and session.total != int(total):
                raise invalid("The total size differs from an earlier request.", "Content-Range")
            session.total = int(total)
        if first is None:
            return
        start, end = int(first), int(last)
        if len(data) != end - start + 1:
            raise invalid(f"{len(data)} bytes came, {content_range!r} declares others.")
        if start > len(session.data):
            message = f"The upload has {len(session.data)} bytes; a chunk at {start} leaves a gap."
            raise invalid(message, "Content-Range")
        fresh = data[len(session.data) - start :]
        if session.total is None:
            # Only whole quanta are kept before the end is known.
            kept = (len(session.data) + len(fresh)) // QUANTUM * QUANTUM - len(session.data)
            fresh = fresh[: max(kept, 0)]
        session.data += fresh

    def cancel(self, session: Session) -> None:
        """Forget an upload that is not finished.

        Raises:
            StorageError: 499, which is how the service says that it is cancelled.
        """
        if session.stored is None:
            session.cancelled = True
            session.data.clear()
        raise StorageError(CANCELLED, "cancelled", "The upload was cancelled.", "Cancelled")


def check_hashes(content: bytes, declared: Mapping[str, Any]) -> None:
    """Compare declared checksums with the bytes that came.

    Raises:
        StorageError: 400.
    """
    probe = Stored("", "", content, 0, 0, 0.0, 0.0)
    for name, actual in (("md5Hash", probe.md5), ("crc32c", probe.crc32c)):
        wanted = declared.get(name)
        if wanted is not None and _decoded(str(wanted)) != _decoded(actual):
            message = f"Provided {name} {wanted!r} does not match the calculated {actual!r}."
            raise StorageError(400, "invalid", message, "BadDigest", name)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text.encode()


def hash_header(text: str) -> dict[str, str]:
    """The checksums in an `X-Goog-Hash` header, by their JSON names."""
    names = {"md5": "md5Hash", "crc32c": "crc32c"}
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {names[name]: value for name, _, value in pairs if name in names}


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, Any], str, bytes]:
    """The metadata, media type and media of a `multipart/related` upload (RFC 2387).

    Raises:
        StorageError: 400.
    """
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if match is None:
        raise invalid("A multipart upload needs a boundary in its Content-Type.")
    mark = b"--" + match[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    parts = [piece.lstrip(b"\r\n") for piece in pieces[1:-1]]
    if len(parts) != 2:  # noqa: PLR2004 - metadata and media
        raise invalid(f"A multipart upload has two parts; this has {len(parts)}.")
    heads = [part.partition(b"\r\n\r\n") for part in parts]
    try:
        metadata = json.loads(heads[0][2] or b"{}")
    except ValueError:
        raise invalid("The metadata part is not valid JSON.") from None
    media_head = BytesHeaderParser().parsebytes(heads[1][0])
    return metadata, media_head.get("Content-Type", "application/octet-stream"), heads[1][2]
