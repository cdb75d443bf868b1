"""One connection to the upstream: how long and how much of an answer is read, and what a query that fails says."""

import gzip
import json

import pytest

from lib.core import errors
from lib.core.jobs.intent import PlainRequest
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import Ambiguous, QueryFailed
from tests.adapters.dashscope.test_creates_edges import Wire, answer

LINK = "https://frames.example/a.png"


SMALL = Order(PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5), LINK, LINK)


TAKEN = {"output": {"task_id": "t1", "task_status": "PENDING"}, "request_id": "r"}


def test_a_redirect_is_followed_nowhere():
    wire = Wire(answer(TAKEN, 307, Location="http://elsewhere.example/"))
    assert isinstance(wire.account().create(SMALL), Ambiguous)
    assert isinstance(wire.account().list(), QueryFailed)
    assert {request.url.partition("/api")[0] for request in wire.asked} == {"http://up.example"}


def test_an_answer_may_be_packed():
    packed = gzip.compress(json.dumps({"output": {"task_status": "RUNNING"}}).encode())
    wire = Wire(answer(packed, **{"Content-Encoding": "gzip"}))
    assert wire.account().get("t1").status == "RUNNING"


@pytest.mark.parametrize(("size", "read"), [(1 << 20, True), ((1 << 20) + 1, False)])
def test_an_answer_is_no_longer_than_a_mebibyte(size, read):
    data = json.dumps({"output": {"task_status": "RUNNING"}}).encode()
    found = Wire(answer(data + b" " * (size - len(data)))).account().get("t1")
    assert isinstance(found, QueryFailed) is not read


@pytest.mark.parametrize(("each_s", "read"), [(4.0, True), (5.0, True), (5.1, False)])
def test_an_answer_to_a_query_is_read_for_fifteen_seconds(each_s, read):
    wire = Wire(answer({"output": {"task_status": "RUNNING"}}, pieces=3, each_s=each_s))
    assert isinstance(wire.account().get("t1"), QueryFailed) is not read


@pytest.mark.parametrize(
    ("status", "data", "kind", "message", "limited"),
    [
        (200, b"<html>", errors.UPSTREAM_UNAVAILABLE, "HTTP 200", False),
        (200, b"[]", errors.UPSTREAM_UNAVAILABLE, "HTTP 200", False),
        (201, {"code": "C"}, errors.UPSTREAM_UNAVAILABLE, "C", False),
        (400, {"code": "C", "message": "m"}, errors.UPSTREAM_UNAVAILABLE, "m", False),
        (
            400,
            {"output": {"task_status": "RUNNING"}},
            errors.UPSTREAM_UNAVAILABLE,
            "HTTP 400",
            False,
        ),
        (401, {"code": "C"}, errors.UPSTREAM_AUTH, "C", False),
        (403, {"code": "C"}, errors.UPSTREAM_AUTH, "C", False),
        (404, {"code": "C"}, errors.UPSTREAM_UNAVAILABLE, "C", False),
        (429, {"code": "C"}, errors.RATE_LIMITED, "C", True),
        (429, b"", errors.RATE_LIMITED, "HTTP 429", True),
        (500, {}, errors.UPSTREAM_UNAVAILABLE, "HTTP 500", False),
    ],
)
def test_a_query_that_brought_nothing_says_why(status, data, kind, message, limited):
    found = Wire(answer(data, status)).account().get("t1")
    assert (found.kind, found.limited) == (kind, limited)
    assert found.message == message
