"""The emulator's own calls: its clock, its faults, its settings, a reset."""

import pytest

URL = "http://upstream.test/emulator"


def test_the_clock(emulated):
    now = emulated.web.get(f"{URL}/clock").json()["now"]
    assert now == emulated.clock.now()
    assert emulated.web.post(f"{URL}/clock", json={"advance_s": 60}).json() == {"now": now + 60}
    assert emulated.clock.now() == now + 60


@pytest.mark.parametrize(
    "wrong",
    [{}, {"advance_s": -1}, {"advance_s": "x"}, {"advance_s": True}, [], {"advance_s": None}],
)
def test_a_clock_that_cannot_be_moved_so(emulated, wrong):
    before = emulated.clock.now()
    assert emulated.web.post(f"{URL}/clock", json=wrong).status_code == 400
    assert emulated.clock.now() == before


def test_faults_over_http(emulated):
    declared = {"operation": "get", "kind": "internal", "times": 2}
    answer = emulated.web.post(f"{URL}/faults", json=declared)
    assert answer.json()["faults"][0]["completed"] is False
    for _ in range(2):
        assert emulated.call("GET", "/tasks/x").status_code == 500
    assert emulated.web.get(f"{URL}/faults").json()["faults"][0]["completed"] is True
    assert emulated.web.delete(f"{URL}/faults").json() == {"faults": []}


def test_tasks_and_counts(emulated):
    task_id = emulated.create("rain #sunset", key="sk-second")
    emulated.clock.advance(100)
    (task,) = emulated.web.get(f"{URL}/tasks").json()["tasks"]
    assert (task["task_id"], task["status"], task["paid"]) == (task_id, "SUCCEEDED", True)
    assert (task["account"], task["region"], task["api_key_id"]) == (
        "singapore",
        "singapore",
        "40001",
    )
    emulated.get(task_id)
    emulated.listed()
    counts = emulated.web.get(f"{URL}/counts").json()
    assert counts == {"create": 1, "get": 1, "list": 1}


def test_settings_may_change_while_it_runs(emulated):
    settings = emulated.web.get(f"{URL}/settings").json()
    assert settings == {"overflow": "refuse", "bad_frame": "fail", "list_lag_s": 0.0}
    emulated.create()
    emulated.create()
    assert emulated.post_status() == 429
    emulated.clock.advance(1)
    emulated.web.post(f"{URL}/settings", json={"overflow": "queue", "list_lag_s": 50})
    assert emulated.post_status() == 200
    assert emulated.listed()["total"] == 0


@pytest.mark.parametrize(
    "wrong",
    [{"overflow": "x"}, {"bad_frame": 1}, {"list_lag_s": -1}, {"list_lag_s": "3"}, {"x": 1}],
    ids=str,
)
def test_settings_that_make_no_sense_change_nothing(emulated, wrong):
    before = emulated.web.get(f"{URL}/settings").json()
    answer = emulated.web.post(f"{URL}/settings", json={"overflow": "queue", **wrong})
    assert answer.status_code == 400
    assert emulated.web.get(f"{URL}/settings").json() == before


def test_reset(emulated, a_body):
    emulated.post(a_body(prompt="x #429x2"))
    task_id = emulated.create()
    emulated.app.faults.add(kind="drop")
    assert emulated.web.post(f"{URL}/reset").json() == {"reset": True}
    assert len(emulated.app.tasks) == 0
    assert emulated.app.faults.report() == []
    assert dict(emulated.app.counts) == {}
    assert emulated.status(task_id) == "UNKNOWN"
    assert emulated.post(a_body(prompt="x #429x2")).status_code == 429


def test_an_unknown_call_is_404_and_names_the_known_ones(emulated):
    answer = emulated.web.get(f"{URL}/nothing")
    assert answer.status_code == 404
    assert "POST /emulator/clock" in answer.json()["message"]
