"""The upstream as its client meets it: what was not sent, what is in doubt, what is kept of an answer."""

import json

import pytest
import requests

from lib.adapters.dashscope import DashScope
from lib.core import errors
from lib.core.jobs.job import PlainRequest
from lib.core.upstream import reader
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import (
    Ambiguous,
    QueryFailed,
    Refused,
)
from tests.adapters.dashscope.test_creates_edges import Wire, answer
from tests.flows.tasks.test_clocks_edges import shown
from tests.world import START

FRAME = "data:image/png;base64,AA=="
ORDER = Order(PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5), FRAME, FRAME)


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


def test_the_times_of_a_task_are_by_our_clock():
    data = {"output": {"task_status": "RUNNING", "submit_time": "2026-05-29 04:26:40.000"}}
    account = Wire(answer(data)).account()
    shown(account.clock, START, 120)
    plain = Wire(answer(data)).account().get("t1").times
    assert account.get("t1").times == {name: at - 120 for name, at in plain.items()}
