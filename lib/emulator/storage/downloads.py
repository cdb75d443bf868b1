"""Getting bytes out: ranges, conditional reads, checksum headers, gzip transcoding.

Sources: RFC 9110 (ranges, validators); Cloud Storage documentation, "Transcoding of gzip-compressed
files" and the XML API reference of response headers.
"""

from __future__ import annotations

import gzip
import re
from email.utils import formatdate
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from lib.emulator.storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lib.emulator.storage.objects import Stored

BLOCK = 1 << 18
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


def answer(
    stored: Stored, headers: Mapping[str, str], method: str, overrides: Mapping[str, str]
) -> Response:
    """The media of an object.

    Args:
        stored: the object.
        headers: of the request, lower-case names.
        method: GET or HEAD.
        overrides: `Content-Type` and `Content-Disposition` asked for by a signed link.

    Raises:
        StorageError: 304 or 416.
    """
    fields = _headers(stored) | dict(overrides)
    if f'"{stored.etag}"' in headers.get("if-none-match", "") or headers.get(
        "if-none-match", ""
    ) in {stored.etag, "*"}:
        raise StorageError(304, "notModified", "Not Modified", headers=fields)
    content, status = stored.content, 200
    encoded = stored.fields.get("contentEncoding") == "gzip"
    if encoded and "gzip" not in headers.get("accept-encoding", ""):
        content = gzip.decompress(content)
        fields["Warning"] = "214 UploadServer gunzipped"
        fields.pop("Content-Encoding")
    elif span := _range(headers.get("range"), len(content)):
        first, last = span
        status = 206
        fields["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        content = content[first : last + 1]
    fields["Content-Length"] = str(len(content))
    body = _blocks(content) if method == "GET" else iter(())
    return Response(body, status, fields, direct_passthrough=True)


def _headers(stored: Stored) -> dict[str, str]:
    names = {
        "contentType": "Content-Type",
        "cacheControl": "Cache-Control",
        "contentDisposition": "Content-Disposition",
        "contentEncoding": "Content-Encoding",
        "contentLanguage": "Content-Language",
    }
    fields = {names[key]: value for key, value in stored.fields.items() if key in names}
    return {
        "Content-Type": "application/octet-stream",
        "Cache-Control": "private, max-age=0",
        **fields,
        **{f"x-goog-meta-{key}": text for key, text in stored.metadata.items() if text.isascii()},
        "Accept-Ranges": "bytes",
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.updated, usegmt=True),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "X-Goog-Storage-Class": stored.fields.get("storageClass", "STANDARD"),
        "X-Goog-Stored-Content-Encoding": stored.fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(stored.size),
    }


def _range(text: str | None, size: int) -> tuple[int, int] | None:
    match = RANGE.fullmatch(text or "")
    if match is None:
        return None
    first, last, suffix = match.groups()
    start = max(size - int(suffix), 0) if suffix else int(first)
    end = min(int(last), size - 1) if last else size - 1
    if start >= size or (suffix and not int(suffix)):
        raise StorageError(
            416,
            "requestedRangeNotSatisfiable",
            "Request range not satisfiable",
            "InvalidRange",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return (start, end) if start <= end else None


def _blocks(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), BLOCK):
        yield content[at : at + BLOCK]
