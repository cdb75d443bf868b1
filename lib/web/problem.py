"""Errors as documents: RFC 9457 problem details with an `error` member that SDKs read.

One shape for everything that is refused, whoever refused it. Nothing of the request is repeated but
what the error's own sentence says.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from lib.core.errors import ApiError
    from lib.core.jobs.job import Failure

CONTENT_TYPE = "application/problem+json"


def answer(error: ApiError, request_id: str) -> Response:
    """The answer that states an error.

    Args:
        error: what is refused.
        request_id: of this very request.
    """
    status, body = fail(error, request_id)
    headers = dict(error.headers)
    if not error.kind.retryable:
        # openai's clients send any 409 and 5xx again unless they are told not to.
        headers["x-should-retry"] = "false"
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return Response(json.dumps(body), status, headers, content_type=CONTENT_TYPE)


def fail(error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and document of an error."""
    kind = error.kind
    return kind.status, {
        "type": f"urn:inbetween:error:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.message,
        "instance": f"urn:inbetween:request:{request_id}",
        "error": {
            "code": kind.code,
            "message": error.message,
            "type": kind_of(kind.status),
            "param": error.param,
            "retryable": kind.retryable,
            "upstream_code": error.upstream_code,
            "request_id": request_id,
        },
    }


def failure(stored: Failure) -> dict[str, Any]:
    """Why a job did not complete, in the same words as an answer's `error`."""
    return {
        "code": stored.kind.code,
        "message": stored.message,
        "type": "job_error",
        "param": stored.param,
        "retryable": stored.retryable,
        "upstream_code": stored.upstream_code,
    }


def kind_of(status: int) -> str:
    """The family of an error, in the words that SDKs of this field use."""
    families = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error"
    return families.get(status, "invalid_request_error")
