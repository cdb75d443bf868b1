"""Answers of the upstream become closed types: what is refused, what is ambiguous, what waits."""

import json

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from lib.adapters.dashscope import DashScope
from lib.core import errors
from lib.core.jobs.job import PlainRequest
from lib.core.upstream import reader
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import Accepted, Ambiguous, QueryFailed, Refused, TaskStatus

FRAME = "data:image/png;base64,AA=="
ORDER = Order(PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5), FRAME, FRAME)


def flat(code):
    return f'{{"code": "{code}", "message": "m", "request_id": "r"}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            200,
            b'{"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"}',
            Accepted,
        ),
        (200, b'{"output": {}}', Ambiguous),
        (200, b'{"output": null}', Ambiguous),
        (200, b'{"output": {"task_id": "../../v1/x"}}', Ambiguous),
        (200, b'{"output": {"task_id": "a\\u0000b"}}', Ambiguous),
        (200, b'{"output": {"task_id": 7}}', Ambiguous),
        (200, b"<html>", Ambiguous),
        (201, b'{"output": {"task_id": "t"}}', Ambiguous),
        (302, b"", Ambiguous),
        (400, flat("InvalidParameter"), Refused),
        (400, b"<html>bad gateway</html>", Ambiguous),
        (400, b"[]", Ambiguous),
        (401, flat("InvalidApiKey"), Refused),
        (403, b"denied by a proxy", Ambiguous),
        (404, flat("ModelNotFound"), Refused),
        (408, flat("RequestTimeOut"), Ambiguous),
        (429, flat("Throttling"), Refused),
        (429, b"slow down", Refused),
        (500, flat("InternalError"), Ambiguous),
        (502, b"", Ambiguous),
        (503, flat("ModelUnavailable"), Refused),
        (503, flat("ModelServingError"), Ambiguous),
        (500, flat("ModelUnavailable"), Ambiguous),
        (503, b"", Ambiguous),
        (504, b"", Ambiguous),
    ],
)
def test_refused_means_that_no_task_exists_and_nothing_else_does(status, body, kind):
    assert isinstance(reader.outcome(status, body, None), kind)


@pytest.mark.parametrize(
    ("status", "code", "kind", "waits"),
    [
        (400, "InvalidParameter", errors.INVALID_REQUEST, False),
        (400, "DataInspectionFailed", errors.CONTENT_POLICY, False),
        (400, "InvalidImage.FileFormat", errors.INVALID_FRAME, False),
        (400, "Arrearage", errors.UPSTREAM_QUOTA, True),
        (401, "InvalidApiKey", errors.UPSTREAM_AUTH, True),
        (403, "AccessDenied.Unpurchased", errors.UPSTREAM_AUTH, True),
        (403, "AllocationQuota.FreeTierOnly", errors.UPSTREAM_QUOTA, True),
        (404, "ModelNotFound", errors.UNSUPPORTED_MODEL, False),
        (429, "Throttling.RateQuota", errors.RATE_LIMITED, True),
        (429, "Throttling.AllocationQuota", errors.UPSTREAM_QUOTA, True),
        (429, "Whatever", errors.RATE_LIMITED, True),
    ],
)
def test_what_the_account_is_to_blame_for_waits_and_what_the_request_is_fails(
    status, code, kind, waits
):
    refused = reader.outcome(status, flat(code), None)
    assert (refused.kind, refused.waits, refused.limited) == (kind, waits, status == 429)


@given(st.binary(max_size=300), st.integers(100, 599))
def test_no_answer_can_break_the_reader(body, status):
    assert isinstance(reader.outcome(status, body, None), Accepted | Refused | Ambiguous)


def account(base_url, world=None):
    return DashScope(
        base_url=base_url,
        api_key="sk-local-singapore",
        region="singapore",
        delivery="link",
        connect=world.session if world else requests.Session,
        now=world.clock.now if world else lambda: 0.0,
        sleep=lambda _seconds: None,
    )


def test_a_closed_port_and_an_unknown_name_are_refusals_that_wait():
    for url in ("http://127.0.0.1:1/api/v1", "http://no-such-host.invalid/api/v1"):
        refused = account(url).create(ORDER)
        assert isinstance(refused, Refused)
        assert refused.waits
        assert refused.kind is errors.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cut_connection_is_ambiguous_whoever_knows_better(world, when):
    world.upstream.faults.add(operation="create", kind="drop", when=when, times=1)
    upstream = world.context.upstreams["singapore"]
    assert isinstance(upstream.create(ORDER), Ambiguous)


def test_failed_inside_a_200_unknown_and_an_unlisted_word():
    failed = reader.report("t", {"output": {"task_status": "FAILED", "code": "C", "message": "m"}})
    assert (failed.status, failed.code) == (TaskStatus.FAILED, "C")
    assert reader.report("t", {"output": {"task_status": "UNKNOWN"}}).status is TaskStatus.UNKNOWN
    assert reader.report("t", {"output": {"task_status": "SUSPENDED"}}).status is TaskStatus.RUNNING
    assert reader.report("t", {"output": {}}) is None


def test_task_times_are_utc_plus_8():
    times = {"task_status": "RUNNING", "submit_time": "2026-01-26 10:36:58.394"}
    assert reader.report("t", {"output": times}).times == {"submitted": 1769395018.394}


def test_a_list_is_whole_or_not_at_all(world):
    for _ in range(3):
        world.post()
        world.clock.advance(70)
    upstream = world.context.upstreams["singapore"]
    assert len(upstream.list().rows) == len(world.paid())
    world.upstream.faults.add(operation="list", kind="status", status=500, times=1)
    assert isinstance(upstream.list(), QueryFailed)


@pytest.mark.parametrize("delivery", ["link", "upload", "inline"])
def test_frames_reach_the_upstream_in_each_way(make_world, delivery):
    world = make_world(env={"FRAME_DELIVERY": delivery})
    job = world.post().get_json()["id"]
    world.run()
    assert world.job(job)["status"] == "completed"
    (task,) = world.paid()
    start = {"link": "http://127.0.0.1:9001/", "upload": "oss://", "inline": "data:image/png"}
    assert task.body["input"]["first_frame_url"].startswith(start[delivery])


def test_the_key_never_shows(world):
    assert "sk-local" not in repr(world.config)
    assert "sk-local" not in repr(world.context)


@pytest.mark.parametrize(
    ("code", "message", "stopped"),
    [
        ("UnsupportedOperation", "The task is running.", False),
        ("", "UnsupportedOperation: says a sentence, and no code", None),
        ("UnsupportedOperationOfTomorrow", "m", None),
        ("InternalError", "UnsupportedOperation", None),
    ],
)
def test_only_the_code_says_that_a_task_can_no_longer_be_cancelled(world, code, message, stopped):
    body = json.dumps({"code": code, "message": message} if code else {"message": message})
    world.upstream.faults.add(operation="cancel", kind="answer", status=400, body=body)
    found = world.context.upstreams["singapore"].cancel("t" * 36)
    assert found is stopped or isinstance(found, QueryFailed)
    if stopped is None:
        assert found.code == (code or "HTTP 400")


def test_a_code_of_the_upstream_is_cut_and_carries_no_secret(world):
    body = json.dumps({"code": "sk-0123456789abcdef " + "C" * 500, "message": "a: b"})
    world.upstream.faults.add(operation="get", kind="answer", status=400, body=body)
    found = world.context.upstreams["singapore"].get("t" * 36)
    assert len(found.code) == reader.CODE_AT_MOST
    assert "sk-" not in found.code
    assert found.message == "a: b"
