"""Failures by declaration: each operation, each kind, before and after the effect, so many times."""

import pytest
import requests

from lib.emulator.upstream.errors import UpstreamError


def create(emulated, _task_id):
    return emulated.post(
        {
            "model": "wan2.2-kf2v-flash",
            "input": {
                "first_frame_url": "http://pictures.test/first.png",
                "last_frame_url": "http://pictures.test/last.png",
            },
        }
    )


CALLS = {
    "create": create,
    "get": lambda emulated, task_id: emulated.call("GET", f"/tasks/{task_id}"),
    "list": lambda emulated, _task_id: emulated.call("GET", "/tasks"),
    "cancel": lambda emulated, task_id: emulated.call("POST", f"/tasks/{task_id}/cancel"),
    "policy": lambda emulated, _task_id: emulated.call(
        "GET", "/uploads?action=getPolicy&model=wan2.2-kf2v-flash"
    ),
    "upload": lambda emulated, _task_id: emulated.web.post("http://upstream.test/oss", data={}),
    "result": lambda emulated, _task_id: emulated.web.get("http://upstream.test/results/x.mp4"),
}


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_hits_its_operation_only_and_so_often(emulated, operation):
    task_id = emulated.create(pause_s=2)
    emulated.app.faults.add(operation=operation, kind="drop", times=2, name="cut")
    for other in CALLS.keys() - {operation, "cancel"}:
        CALLS[other](emulated, task_id)
        emulated.clock.advance(1)
    assert emulated.app.faults.report()[0]["met"] == 0
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            CALLS[operation](emulated, task_id)
    assert CALLS[operation](emulated, task_id).status_code != 599
    (report,) = emulated.app.faults.report()
    assert (report["name"], report["met"], report["completed"]) == ("cut", 2, True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "internal", "status", "answer"])
def test_before_and_after_the_effect(emulated, kind, when):
    emulated.app.faults.add(operation="create", kind=kind, when=when, status=500)
    if kind == "drop":
        with pytest.raises(requests.ConnectionError):
            create(emulated, "")
    else:
        assert create(emulated, "").status_code == 500
    assert len(emulated.app.tasks) == (1 if when == "after" else 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancel_may_take_effect_unheard(emulated, when):
    task_id = emulated.create(pause_s=0)
    emulated.app.faults.add(operation="cancel", kind="drop", when=when)
    with pytest.raises(requests.ConnectionError):
        CALLS["cancel"](emulated, task_id)
    assert emulated.status(task_id) == ("CANCELED" if when == "after" else "PENDING")


NAMED = {
    "key": (401, "InvalidApiKey"),
    "quota": (403, "AllocationQuota.FreeTierOnly"),
    "throttled": (429, "Throttling"),
    "rate": (429, "Throttling.RateQuota"),
    "burst": (429, "Throttling.BurstRate"),
    "allocation": (429, "Throttling.AllocationQuota"),
    "overdue": (429, "PostpaidBillOverdue"),
    "arrears": (400, "Arrearage"),
    "internal": (500, "InternalError"),
    "timeout": (500, "InternalError.Timeout"),
    "unavailable": (503, "ModelUnavailable"),
    "serving": (503, "ModelServingError"),
}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("operation", ["create", "get", "list"])
def test_failures_by_name(emulated, operation, kind):  # errors
    emulated.app.faults.add(operation=operation, kind=kind)
    answer = CALLS[operation](emulated, "x")
    assert (answer.status_code, answer.json()["code"]) == NAMED[kind]
    assert answer.json()["request_id"]


def test_any_status_with_or_without_a_code(emulated):
    emulated.app.faults.add(operation="get", kind="status", status=504)
    bare = CALLS["get"](emulated, "x")
    assert (bare.status_code, bare.headers["Content-Type"][:9]) == (504, "text/html")
    emulated.app.faults.add(operation="get", kind="status", status=418, code="Tea", message="Hot.")
    said = CALLS["get"](emulated, "x")
    assert (said.status_code, said.json()["code"], said.json()["message"]) == (418, "Tea", "Hot.")


def test_any_answer(emulated):
    emulated.app.faults.add(
        operation="create",
        kind="answer",
        status=200,
        body='{"output": {}}',
        content_type="application/json",
    )
    answer = create(emulated, "")
    assert (answer.status_code, answer.json()) == (200, {"output": {}})
    assert len(emulated.app.tasks) == 0


@pytest.mark.parametrize(("when", "taken_at"), [("before", 7.0), ("after", 0.0)])
def test_a_delay_moves_the_clock_before_or_after_the_effect(emulated, when, taken_at):
    start = emulated.clock.now()
    emulated.app.faults.add(operation="create", kind="delay", seconds=7, when=when)
    assert create(emulated, "").status_code == 200
    (task,) = emulated.app.tasks
    assert task.submitted_at - start == taken_at
    assert emulated.clock.now() - start == 7


def test_a_delay_may_pass_in_another_way(make_emulated):
    slept = []
    emulated = make_emulated(sleep=slept.append)
    emulated.app.faults.add(operation="get", kind="delay", seconds=2.5)
    before = emulated.clock.now()
    assert CALLS["get"](emulated, "x").status_code == 200
    assert (slept, emulated.clock.now()) == ([2.5], before)


def pour(answer, found):
    for block in answer.iter_content(1):
        found += block


@pytest.mark.parametrize("at", [0, 1, 5000])
def test_a_film_cut_at_a_byte(emulated, at):
    url = emulated.finished()["output"]["video_url"]
    whole = emulated.web.get(url).content
    emulated.app.faults.add(operation="result", kind="cut", at=at)
    with emulated.web.get(url, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) == len(whole)
        found = bytearray()
        with pytest.raises(requests.RequestException):
            pour(answer, found)
    assert found == whole[:at]
    assert emulated.web.get(url).content == whole


def test_a_length_that_is_too_great(emulated):
    url = emulated.finished()["output"]["video_url"]
    emulated.app.faults.add(operation="result", kind="length", at=10)
    with pytest.raises(requests.RequestException):
        emulated.web.get(url)


def test_an_answer_in_json_may_be_cut_too(emulated):
    emulated.app.faults.add(operation="get", kind="cut", at=20)
    with pytest.raises(requests.RequestException):
        CALLS["get"](emulated, "x")


def test_one_region_may_be_down_alone(emulated):
    emulated.app.faults.add(kind="unavailable", region="beijing", times=100)
    assert emulated.call("GET", "/tasks", region="beijing", key="sk-beijing").status_code == 503
    assert emulated.call("GET", "/tasks").status_code == 200


BAD = [
    {"operation": "pray"},
    {"kind": "mood"},
    {"when": "soon"},
    {"region": "mars"},
    {"times": "3"},
    {"seconds": "x"},
    {"met": 1},
    {"moon": "full"},
]


@pytest.mark.parametrize("fields", BAD, ids=str)
def test_a_fault_that_makes_no_sense_is_refused(emulated, fields):
    with pytest.raises(UpstreamError) as refusal:
        emulated.app.faults.add(**fields)
    assert next(iter(fields)) in refusal.value.message
    answer = emulated.web.post("http://upstream.test/emulator/faults", json=fields)
    assert answer.status_code == 400
    assert emulated.app.faults.report() == []
