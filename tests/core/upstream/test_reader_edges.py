"""The edges of what an answer means: where a refusal begins, and what is no page of a list."""

import json

import pytest

from lib.core import errors
from lib.core.upstream import reader
from lib.core.upstream.outcomes import Ambiguous, Refused

CODE = json.dumps({"code": "InvalidParameter", "message": "no"}).encode()


@pytest.mark.parametrize(
    ("status", "refused"), [(399, False), (400, True), (499, True), (500, False)]
)
def test_only_a_4xx_with_a_code_is_refused(status, refused):
    found = reader.outcome(status, CODE, None)
    assert isinstance(found, Refused if refused else Ambiguous)


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]"])
def test_every_429_is_a_refusal_even_without_json(body):
    assert reader.outcome(429, body, 3.0) == Refused(
        errors.RATE_LIMITED, "429", "429", waits=True, limited=True, retry_after_s=3.0
    )


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]"])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_without_json_every_other_answer_is_ambiguous(status, body):
    assert isinstance(reader.outcome(status, body, None), Ambiguous)


@pytest.mark.parametrize("found", [None, {}, "rows", 7])
def test_a_page_without_a_list_of_rows_is_none(found):
    assert reader.page({"data": found, "total": 0, "total_page": 0}) is None
