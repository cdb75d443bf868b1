"""Bodies and headers of uploads: `multipart/related`, declared checksums, `Content-Range`.

Pure parsing; it keeps nothing. Sources: RFC 2387; Cloud Storage documentation, "Hashes and ETags"
and "Performing resumable uploads".
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Any

from lib.emulator.numbers import document
from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.model.contents import checksums

if TYPE_CHECKING:
    from collections.abc import Mapping

RANGE = re.compile(r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)")
PARTS = 2  # metadata and media


@dataclass(frozen=True)
class ContentRange:
    """A parsed `Content-Range`.

    Attributes:
        first: offset of the first byte; None for a status query.
        last: offset of the last byte.
        total: size of the whole object; None while it is unknown.
    """

    first: int | None
    last: int
    total: int | None


def content_range(text: str) -> ContentRange:
    """Parse `bytes 0-9/100`, `bytes 0-9/*`, `bytes */100` or `bytes */*`.

    Raises:
        StorageError: 400.
    """
    match = RANGE.fullmatch(text)
    if match is None:
        raise invalid(f"Malformed Content-Range: {text!r}.", "Content-Range")
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return ContentRange(None, -1, total)
    span = ContentRange(int(match[1]), int(match[2]), total)
    if span.last < int(match[1]) or (total is not None and span.last >= total):
        raise invalid(f"Impossible Content-Range: {text!r}.", "Content-Range")
    return span


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, Any], str, bytes]:
    """The metadata, media type and media of a `multipart/related` upload.

    Raises:
        StorageError: 400.
    """
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if match is None:
        raise invalid("A multipart upload needs a boundary in its Content-Type.")
    mark = b"\r\n--" + match[1].encode()
    pieces = (b"\r\n" + body).split(mark)
    parts = [piece.partition(b"\r\n")[2] for piece in pieces[1:-1]]
    if len(parts) != PARTS or not pieces[-1].startswith(b"--"):
        raise invalid(f"A multipart upload has two parts and an end; this has {len(parts)}.")
    (_, _, text), (media_head, _, media) = (_split(part) for part in parts)
    try:
        metadata = document(text or b"{}")
    except ValueError:
        raise invalid("The metadata part is not valid JSON.") from None
    if not isinstance(metadata, dict):
        raise invalid("The metadata part must be a JSON object.")
    headers = BytesHeaderParser().parsebytes(media_head)
    return metadata, headers.get("Content-Type", "application/octet-stream"), media


def _split(part: bytes) -> tuple[bytes, bytes, bytes]:
    # A part without headers begins with the empty line.
    return (b"", b"", part[2:]) if part.startswith(b"\r\n") else part.partition(b"\r\n\r\n")


def hash_header(text: str) -> dict[str, str]:
    """The checksums in an `X-Goog-Hash` header, by their JSON names."""
    names = {"md5": "md5Hash", "crc32c": "crc32c"}
    pairs = (item.strip().partition("=") for item in text.split(",") if item.strip())
    return {names[name]: value for name, _, value in pairs if name in names}


def check_hashes(data: bytes, declared: Mapping[str, Any]) -> None:
    """Compare declared checksums with the bytes that came.

    Raises:
        StorageError: 400.
    """
    wanted = {name: declared[name] for name in ("md5Hash", "crc32c") if declared.get(name)}
    if not wanted:
        return
    actual = dict(zip(("md5Hash", "crc32c"), checksums(data), strict=True))
    for name, text in wanted.items():
        if _decoded(str(text)) != _decoded(actual[name]):
            message = f"Provided {name} {text!r} does not match the calculated {actual[name]!r}."
            raise StorageError(400, "invalid", message, "BadDigest", name)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()
