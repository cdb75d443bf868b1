"""A frame as it is sent: a link, a data URI or the bytes of a file, within their bounds.

Decodes data URIs; fetches nothing and looks at no pixel. Refuses with a sentence that never repeats
the link or the picture. Bound of a file: Alibaba Cloud Model Studio, "Wan image-to-video by first
and last frame" API reference.
"""

from __future__ import annotations

import base64
import binascii
import re

from lib.core.errors import ApiError, FrameFault, invalid_frame

LINK_AT_MOST = 8192
FRAME_AT_MOST = 10 * 1024 * 1024
FRAME_FORMS = (
    "an https:// link to a public host, a data:image/...;base64,... URI, an uploaded file, or a "
    "gs:// name from POST /v1/uploads"
)
HEAD_AT_MOST = 1024  # characters of a data URI before its data
_DATA = re.compile(r"data:image/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


def read(value: str, name: str) -> str | bytes:
    """A frame as link or bytes; a data URI is decoded here, so that it equals its upload.

    Args:
        value: as it was sent.
        name: the request field, for the refusal.

    Raises:
        ApiError: `invalid_frame`, saying what is allowed.
    """
    if value[:5].lower() == "data:":
        return _decode(value, name)
    if len(value) > LINK_AT_MOST:
        raise invalid_frame(
            name,
            FrameFault.BAD_LINK,
            f"{name}: got a link of {len(value)} characters; allowed: at most {LINK_AT_MOST}.",
        )
    if not re.match(r"(?:https?|gs)://[^/]", value, re.IGNORECASE):
        raise invalid_frame(
            name,
            FrameFault.BAD_LINK,
            f"{name}: got a text that is no link; allowed: {FRAME_FORMS}.",
        )
    return value


def _decode(uri: str, name: str) -> bytes:
    head = _DATA.match(uri, 0, HEAD_AT_MOST)
    if not head:
        raise invalid_frame(
            name,
            FrameFault.BAD_DATA_URI,
            f"{name}: got a data URI that does not start with data:image/<type>;base64, and that "
            "is the only form allowed.",
        )
    if (len(uri) - head.end()) * 3 // 4 > FRAME_AT_MOST + 3:
        raise too_large(name)
    try:
        return base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise invalid_frame(
            name,
            FrameFault.UNREADABLE,
            f"{name}: got a data URI whose base64 does not decode; allowed: A-Z a-z 0-9 + / with "
            "= at the end, and no spaces or line breaks.",
        ) from None


def too_large(name: str) -> ApiError:
    """The sentence about a frame above the size limit."""
    return invalid_frame(
        name,
        FrameFault.TOO_LARGE,
        f"{name}: got more than {FRAME_AT_MOST} bytes; allowed: at most {FRAME_AT_MOST} bytes "
        "(10 MB). Save it as JPEG or with fewer pixels.",
    )
