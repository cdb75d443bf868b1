"""Errors as documents (RFC 9457), with the member that SDKs read, and the headers that they act on."""

import pytest

from lib.core.errors import TABLE, UPSTREAM_FAILED, ApiError
from lib.core.jobs.job import Failure
from lib.web import problem


@pytest.mark.parametrize("code", TABLE)
def test_every_error_of_the_table_is_a_document_of_its_status(code):
    answer = problem.answer(ApiError(TABLE[code], "The sentence.", "seed"), "r1")
    body = answer.get_json(force=True)
    assert answer.content_type == "application/problem+json"
    assert answer.status_code == body["status"] == TABLE[code].status
    assert (body["type"], body["detail"]) == (f"urn:inbetween:error:{code}", "The sentence.")
    assert body["error"]["code"] == code
    assert (body["error"]["param"], body["error"]["request_id"]) == ("seed", "r1")
    assert ("x-should-retry" in answer.headers) is not TABLE[code].retryable


def test_when_to_try_again_and_further_headers_are_told():
    error = ApiError(TABLE["overloaded"], "Busy.", retry_after_s=20, headers={"Allow": "GET"})
    headers = problem.answer(error, "r1").headers
    assert (headers["Retry-After"], headers["Allow"]) == ("20", "GET")


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"),
        (404, "invalid_request_error"), (429, "rate_limit_error"), (500, "server_error"),
        (503, "server_error"),
    ],
)  # fmt: skip
def test_the_family_is_the_word_that_sdks_know(status, family):
    assert problem.kind_of(status) == family


def test_why_a_job_failed_is_told_in_the_same_words():
    stored = problem.failure(
        Failure(UPSTREAM_FAILED, "Why.", retryable=True, upstream_code="InternalError")
    )
    answered = problem.fail(ApiError(UPSTREAM_FAILED, "Why.", upstream_code="InternalError"), "r1")[
        1
    ]
    same = {"code", "message", "param", "retryable", "upstream_code"}
    assert {name: stored[name] for name in same} == {name: answered["error"][name] for name in same}
    assert stored["type"] == "job_error"
