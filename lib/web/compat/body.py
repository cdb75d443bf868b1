"""The body of a compat create: JSON, plain or as gzip, within the limit for one request.

Refuses what is too large without unpacking it whole. What its fields mean is known to the dialect.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import RequestEntityTooLarge

from lib.core.errors import INVALID_JSON, PAYLOAD_TOO_LARGE, ApiError
from lib.core.outside.documents import NotJson, document

if TYPE_CHECKING:
    from werkzeug.wrappers import Request


def read(request: Request, limit_bytes: int) -> dict[str, Any]:
    """The JSON object in a body.

    Args:
        request: not yet read.
        limit_bytes: the largest body, packed or unpacked.

    Raises:
        ApiError: it is too large, or no JSON object.
    """
    data = _object(_unpacked(request, limit_bytes)) if request.is_json else None
    if data is None:
        raise ApiError(INVALID_JSON, "")
    return data


def _unpacked(request: Request, limit_bytes: int) -> bytes:
    if (request.content_length or 0) > limit_bytes:
        raise ApiError(PAYLOAD_TOO_LARGE, "")
    request.max_content_length = limit_bytes
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise ApiError(PAYLOAD_TOO_LARGE, "") from None
    if request.headers.get("Content-Encoding", "identity").lower() != "gzip":
        return raw
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(raw, limit_bytes)
    except zlib.error:
        return b""
    if unpacker.unconsumed_tail:
        raise ApiError(PAYLOAD_TOO_LARGE, "")
    return data


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        data = document(raw, strict=True)
    except NotJson:
        return None
    return data if isinstance(data, dict) else None
