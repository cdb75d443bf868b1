"""Getting bytes out: ranges, conditional reads, checksum headers, gzip transcoding.

Sources: RFC 9110 (ranges, validators); Cloud Storage documentation, "Transcoding of gzip-compressed
files" and the XML API reference of headers.
"""

from __future__ import annotations

import gzip
import re
import zlib
from email.utils import formatdate
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from lib.emulator.storage.errors import StorageError
from lib.emulator.storage.model.conditions import check_validators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.model.states import Stored

RANGE = re.compile(r"bytes=(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))")
NAMES = {
    "contentType": "Content-Type",
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentEncoding": "Content-Encoding",
    "contentLanguage": "Content-Language",
}


def answer(
    stored: Stored,
    headers: Mapping[str, str],
    method: str,
    etag: str,
    overrides: Mapping[str, str] | None = None,
) -> Response:
    """The media of an object.

    Args:
        stored: the object.
        headers: of the request, lower-case names.
        method: GET or HEAD.
        etag: what to call this state of the object.
        overrides: `Content-Type` and `Content-Disposition` asked for by a signed link.

    Raises:
        StorageError: 304, 412 or 416.
    """
    shown = _headers(stored, etag) | dict(overrides or {})
    check_validators(stored, headers, shown)
    if (plain := _transcoded(stored, headers)) is not None:
        del shown["Content-Encoding"]
        shown |= {"Content-Length": str(len(plain)), "Warning": "214 UploadServer gunzipped"}
        return Response(plain if method == "GET" else b"", 200, _header_bytes(shown))
    first, length, status = 0, stored.size, 200
    known = headers.get("if-range", etag) in {etag, shown["Last-Modified"]}  # RFC 9110, 13.1.5
    if span := _range(headers.get("range") if known else None, stored.size):
        first, length, status = span[0], span[1] - span[0] + 1, 206
        shown["Content-Range"] = f"bytes {span[0]}-{span[1]}/{stored.size}"
    shown["Content-Length"] = str(length)
    body = stored.content.blocks(first, length) if method == "GET" else ()
    return Response(body, status, _header_bytes(shown), direct_passthrough=True)


def _transcoded(stored: Stored, headers: Mapping[str, str]) -> bytes | None:
    """The decompressed content, for a reader that does not take gzip as it is stored."""
    if stored.fields.get("contentEncoding") != "gzip":
        return None
    if "gzip" in headers.get("accept-encoding", ""):
        return None
    if "no-transform" in stored.fields.get("cacheControl", ""):
        return None
    try:
        return gzip.decompress(stored.content.read())
    except (OSError, EOFError, zlib.error):
        return None  # labelled gzip, but it is not: served as it is


def _headers(stored: Stored, etag: str) -> dict[str, str]:
    fields = {NAMES[key]: value for key, value in stored.fields.items() if key in NAMES}
    return {
        "Content-Type": "application/octet-stream",
        "Cache-Control": "private, max-age=0",
        **fields,
        **{
            f"x-goog-meta-{key}": text for key, text in stored.metadata.items() if _plain(key, text)
        },
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": formatdate(stored.updated, usegmt=True),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "X-Goog-Storage-Class": stored.fields["storageClass"],
        "X-Goog-Stored-Content-Encoding": stored.fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(stored.size),
    }


def _plain(key: str, text: str) -> bool:
    # What a header cannot carry is only shown by the JSON API.
    return bool(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", key)) and text.isprintable()


def _header_bytes(headers: Mapping[str, str]) -> dict[str, str]:
    # Header values travel as UTF-8 bytes; WSGI wants those bytes as Latin-1 text (PEP 3333).
    return {name: value.encode().decode("latin-1") for name, value in headers.items()}


def _range(text: str | None, size: int) -> tuple[int, int] | None:
    match = RANGE.fullmatch(text or "")
    if match is None:
        return None  # a range that is not understood, or several, is ignored (RFC 9110, 14.2)
    first, last, suffix = match.groups()
    start = max(size - int(suffix), 0) if suffix else int(first)
    end = min(int(last), size - 1) if last else size - 1
    if first and last and int(last) < int(first):
        return None
    if start >= size or (suffix and not int(suffix)):
        raise StorageError(
            416,
            "requestedRangeNotSatisfiable",
            "Request range not satisfiable",
            "InvalidRange",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end
