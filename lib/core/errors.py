"""The one error table: every way this service refuses or fails, for both dialects.

    ApiError                       raised by any ring, answered by web
    ├── the request                invalid_request, invalid_json, unsupported_model, invalid_frame,
    │                              payload_too_large, unsupported_media_type, method_not_allowed
    ├── the caller                 unauthenticated, forbidden, rate_limited
    ├── the resource               not_found, gone, not_ready, conflict
    ├── idempotency                idempotency_mismatch
    ├── the upstream               upstream_auth, upstream_quota, upstream_unavailable,
    │                              content_policy_violation, upstream_failed, upstream_expired,
    │                              submit_unknown, delivery_failed
    ├── the queue                  expired
    └── ourselves                  storage_unavailable, signing_unavailable, record_unreadable,
                                   overloaded, clock_off, not_configured, internal_error

A kind is plain data (code, HTTP status, DashScope code, retryable); the sentence for the reader is
written where the error is found, because only that place knows what was got and what is allowed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum, auto


@dataclass(frozen=True)
class Kind:
    """One row of the table.

    Attributes:
        code: our machine-readable code, `error.code` in answers and verdicts.
        status: the HTTP status of an answer with it.
        dashscope: the code that DashScope's own dialect uses for it.
        retryable: whether the same request may succeed later without a change.
        title: the short human name (RFC 9457 `title`).
    """

    code: str
    status: int
    dashscope: str
    retryable: bool
    title: str


def _kind(code: str, status: int, dashscope: str, title: str, *, retryable: bool = False) -> Kind:
    return Kind(code, status, dashscope, retryable, title)


INVALID_REQUEST = _kind("invalid_request", 400, "InvalidParameter", "Invalid request")
INVALID_JSON = _kind("invalid_json", 400, "BadRequest.IllegalInput", "Body is not valid JSON")
UNSUPPORTED_MODEL = _kind("unsupported_model", 400, "ModelNotFound", "Model not available")
INVALID_FRAME = _kind("invalid_frame", 400, "InvalidParameter", "Frame not usable")
UNAUTHENTICATED = _kind("unauthenticated", 401, "InvalidApiKey", "Key missing or unknown")
FORBIDDEN = _kind("forbidden", 403, "AccessDenied", "Not allowed")
NOT_FOUND = _kind("not_found", 404, "NotFound", "Not found")
METHOD_NOT_ALLOWED = _kind("method_not_allowed", 405, "UnsupportedOperation", "Wrong method")
CONFLICT = _kind("conflict", 409, "UnsupportedOperation", "Not possible now")
NOT_READY = _kind("not_ready", 409, "UnsupportedOperation", "Not ready yet", retryable=True)
GONE = _kind("gone", 410, "NotFound", "Deleted")
PAYLOAD_TOO_LARGE = _kind("payload_too_large", 413, "BadRequest.TooLarge", "Body too large")
UNSUPPORTED_MEDIA_TYPE = _kind(
    "unsupported_media_type", 415, "BadRequest.IllegalInput", "Content type not supported"
)
IDEMPOTENCY_MISMATCH = _kind(
    "idempotency_mismatch", 422, "InvalidParameter", "Key reused with another body"
)
RATE_LIMITED = _kind("rate_limited", 429, "Throttling", "Too many requests", retryable=True)
INTERNAL_ERROR = _kind("internal_error", 500, "InternalError", "Internal error", retryable=True)
NOT_CONFIGURED = _kind("not_configured", 503, "ServiceUnavailable", "Service not configured")
STORAGE_UNAVAILABLE = _kind(
    "storage_unavailable", 503, "ServiceUnavailable", "Bucket does not answer", retryable=True
)
SIGNING_UNAVAILABLE = _kind(
    "signing_unavailable", 503, "ServiceUnavailable", "Links cannot be signed", retryable=True
)
RECORD_UNREADABLE = _kind(
    "record_unreadable", 503, "ServiceUnavailable", "Record cannot be read", retryable=True
)
OVERLOADED = _kind("overloaded", 503, "ServiceUnavailable", "Instance is busy", retryable=True)
UPSTREAM_AUTH = _kind("upstream_auth", 502, "InvalidApiKey", "Upstream refuses our key")
CLOCK_OFF = _kind("clock_off", 503, "ServiceUnavailable", "A clock is wrong", retryable=True)
UPSTREAM_QUOTA = _kind(
    "upstream_quota", 429, "Throttling.AllocationQuota", "Upstream quota exhausted", retryable=True
)
UPSTREAM_UNAVAILABLE = _kind(
    "upstream_unavailable", 503, "ServiceUnavailable", "Upstream does not answer", retryable=True
)
CONTENT_POLICY = _kind(
    "content_policy_violation", 400, "DataInspectionFailed", "Refused by moderation"
)
UPSTREAM_FAILED = _kind("upstream_failed", 502, "InternalError", "Upstream failed", retryable=True)
UPSTREAM_EXPIRED = _kind(
    "upstream_expired", 410, "InternalError", "Upstream result expired", retryable=True
)
EXPIRED = _kind("expired", 410, "InternalError", "Never sent in time", retryable=True)
SUBMIT_UNKNOWN = _kind("submit_unknown", 502, "InternalError", "Outcome of the submit unknown")
DELIVERY_FAILED = _kind("delivery_failed", 502, "InternalError", "Video could not be delivered")

TABLE: dict[str, Kind] = {
    kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)
}


def kind_named(code: str) -> Kind:
    """The row of a stored code.

    Args:
        code: of the table; one that only a newer revision knows stays what it is, as an error of
            ours about which nothing else is known.
    """
    return TABLE.get(code) or _kind(code, 500, "InternalError", code)


class FrameFault(Enum):
    """Why a frame was refused: closed, so that every dialect has words for each."""

    TOO_LARGE = auto()  # more bytes than allowed
    BAD_LINK = auto()  # a text that is no link, or too long for one
    NOT_FETCHED = auto()  # the link gave nothing usable
    NOT_UPLOADED = auto()  # no file of this owner under this gs:// name
    BAD_DATA_URI = auto()  # not one that holds a picture
    UNREADABLE = auto()  # no picture, or one that does not decode
    TRANSPARENT = auto()
    BAD_SIDES = auto()  # too few or too many pixels
    BAD_FORMAT = auto()  # a picture of a kind, depth or colours that are not taken


@dataclass
class ApiError(Exception):
    """A refusal, made for the person who reads it.

    Attributes:
        kind: the row of the table.
        message: which field, what was got, what is allowed, what to do.
        param: the request field at fault, None when it is none.
        upstream_code: DashScope's own code when the refusal comes from there.
        retry_after_s: when trying again makes sense, seconds.
        headers: further answer headers, such as `Allow`.
        fault: of an `invalid_frame`, what is wrong with it.
    """

    kind: Kind
    message: str
    param: str | None = None
    upstream_code: str | None = None
    retry_after_s: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    fault: FrameFault | None = None

    def __str__(self) -> str:
        return self.message


SHOWN_AT_MOST = 60


def shown(value: str | float) -> str:
    """A plain value as JSON, its beginning only; never pass what is private."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}..."


def out_of_bounds(param: str, got: object, allowed: str) -> ApiError:
    """A plain value, of a query or a body, that is not among the allowed ones.

    Args:
        param: the field.
        got: what stood there; it is repeated, so never pass what is private.
        allowed: what may stand there.
    """
    text = shown(got) if isinstance(got, str | int | float) else "no text and no number"
    return invalid(param, f"{param}: got {text}; allowed: {allowed}.")


def invalid(param: str, message: str) -> ApiError:
    """A request field that breaks a rule; the commonest refusal.

    Args:
        param: the field.
        message: the whole sentence for its reader.
    """
    return ApiError(INVALID_REQUEST, message, param)


def invalid_frame(param: str, fault: FrameFault, message: str) -> ApiError:
    """A frame that cannot be used.

    Args:
        param: the field.
        fault: what is wrong with it.
        message: the whole sentence for its reader.
    """
    return ApiError(INVALID_FRAME, message, param, fault=fault)


def no_such_video() -> ApiError:
    """No job of this id that the caller may know of: foreign, deleted and invented look alike."""
    return ApiError(NOT_FOUND, "There is no video of this id. Ids look like vid_....")
