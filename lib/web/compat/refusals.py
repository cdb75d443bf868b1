"""Our refusals in DashScope's words: status, code and message.

A client of the service reads the same sentence from us as from it. Refuses to guess: what has no
counterpart there keeps our own sentence under the code of the one error table. Source: Alibaba
Cloud Model Studio, "Error codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core import errors

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
    errors.IDEMPOTENCY_IN_PROGRESS.code: 400,
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
# What stands in our sentence about a frame, and what the service says of such a frame; the first
# that fits. A test walks every way in which a frame can be refused.
FRAMES = (
    ("is larger than", "InvalidFile.Size", "The input image is larger than 10 MB."),
    ("got more than", "InvalidFile.Size", "The input image is larger than 10 MB."),
    ("link could not be used", "InvalidParameter", "Failed to download multimodal content"),
    ("link of", "InvalidURL", "Required URL is missing or invalid."),
    ("is no link", "InvalidURL", "Required URL is missing or invalid."),
    ("transparent", "InvalidParameter", "image format error: an alpha channel is not supported"),
    ("base64 does not", "InvalidParameter", "read image error"),
    ("breaks off", "InvalidParameter", "read image error"),
    ("no picture", "InvalidParameter", "read image error"),
    ("empty file", "InvalidParameter", "read image error"),
    (
        "pixels",
        "InvalidParameter",
        "the size of input image is too small or too large.",
    ),
    ("", "InvalidParameter", "image format error"),
)


def sentence(error: ApiError) -> tuple[int, str, str]:
    """Status, code and message for an error of ours.

    Args:
        error: one that carries an `upstream_code` is in the service's words already.
    """
    kind = error.kind
    status = STATUS.get(kind.code, kind.status)
    if error.upstream_code:
        return status, error.upstream_code, error.message
    if kind is errors.INVALID_FRAME:
        code, text = next((code, text) for part, code, text in FRAMES if part in error.message)
        return status, code, text
    if kind is errors.INVALID_REQUEST and error.param:
        name = NAMES.get(error.param, error.param)
        text = f"Required parameter({name}) missing or invalid, please check the request parameters"
        return status, kind.dashscope, f"{text}."
    return status, kind.dashscope, TEXT.get(kind.code, error.message)
