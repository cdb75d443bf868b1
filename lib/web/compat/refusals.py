"""Our refusals in DashScope's words: status, code and message.

A client of the service reads the same sentence from us as from it. Refuses to guess: what has no
counterpart there keeps our own sentence under the code of the one error table. Source: Alibaba
Cloud Model Studio, "Error codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core import errors
from lib.core.errors import FrameFault

if TYPE_CHECKING:
    from lib.core.errors import ApiError

NOT_FOUND_TEXT = "Not found!"
BAD_JSON = "The input parameter requires json format."
TOO_LARGE = "Payload Too Large."
BROKEN = "An internal error has occured, please try again later or contact service support."

# Statuses of the service where ours differ: it has no 409, 410, 413, 415 or 422.
STATUS = {
    errors.UNSUPPORTED_MODEL.code: 404,
    errors.METHOD_NOT_ALLOWED.code: 404,
    errors.CONFLICT.code: 400,
    errors.NOT_READY.code: 400,
    errors.IDEMPOTENCY_MISMATCH.code: 400,
    errors.GONE.code: 404,
    errors.PAYLOAD_TOO_LARGE.code: 400,
    errors.UNSUPPORTED_MEDIA_TYPE.code: 400,
}
TEXT = {
    errors.INVALID_JSON.code: BAD_JSON,
    errors.UNSUPPORTED_MEDIA_TYPE.code: BAD_JSON,
    errors.PAYLOAD_TOO_LARGE.code: TOO_LARGE,
    errors.METHOD_NOT_ALLOWED.code: NOT_FOUND_TEXT,
    errors.INTERNAL_ERROR.code: BROKEN,
}
# Our names of request fields in the service's.
NAMES = {"first_frame": "first_frame_url", "last_frame": "last_frame_url", "seconds": "duration"}
# What the service says of a frame that is refused: code and message.
FRAMES = {
    FrameFault.TOO_LARGE: ("InvalidFile.Size", "The input image is larger than 10 MB."),
    FrameFault.BAD_LINK: ("InvalidURL", "Required URL is missing or invalid."),
    FrameFault.NOT_FETCHED: ("InvalidParameter", "Failed to download multimodal content"),
    FrameFault.NOT_UPLOADED: ("InvalidParameter", "image format error"),
    FrameFault.BAD_DATA_URI: ("InvalidParameter", "image format error"),
    FrameFault.UNREADABLE: ("InvalidParameter", "read image error"),
    FrameFault.TRANSPARENT: (
        "InvalidParameter",
        "image format error: an alpha channel is not supported",
    ),
    FrameFault.BAD_SIDES: (
        "InvalidParameter",
        "the size of input image is too small or too large.",
    ),
    FrameFault.BAD_FORMAT: ("InvalidParameter", "image format error"),
}


def sentence(error: ApiError) -> tuple[int, str, str]:
    """Status, code and message for an error of ours.

    Args:
        error: one that carries an `upstream_code` is in the service's words already.
    """
    kind = error.kind
    status = STATUS.get(kind.code, kind.status)
    if error.upstream_code:
        return status, error.upstream_code, error.message
    if error.fault:
        return status, *FRAMES[error.fault]
    if kind is errors.INVALID_REQUEST and error.param:
        name = NAMES.get(error.param, error.param)
        text = f"Required parameter({name}) missing or invalid, please check the request parameters"
        return status, kind.dashscope, f"{text}."
    return status, kind.dashscope, TEXT.get(kind.code, error.message)
