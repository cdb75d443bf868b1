"""Get, list, cancel: the life of a task as a caller sees it."""

import datetime as dt
import re

import pytest

PLUS = "wan2.1-kf2v-plus"
FORM = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")


def at(text):
    """Unix seconds of a time as a query shows it: UTC+8 (reference)."""
    zone = dt.timezone(dt.timedelta(hours=8))
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_a_task_passes_from_pending_to_succeeded(emulated):  # reference: life cycle
    start = emulated.clock.now()
    task_id = emulated.create(pause_s=0)
    seen = [emulated.status(task_id)]
    for pause in (9.9, 0.2, 59.8, 0.2):
        emulated.clock.advance(pause)
        seen.append(emulated.status(task_id))
    assert seen == ["PENDING", "PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    output = emulated.get(task_id)["output"]
    times = [output[name] for name in ("submit_time", "scheduled_time", "end_time")]
    assert all(FORM.fullmatch(time) for time in times)
    assert [at(time) - start for time in times] == pytest.approx([0, 10, 70], abs=0.002)


def test_every_query_has_a_request_id_of_its_own(emulated):  # reference
    task_id = emulated.create()
    ids = {emulated.get(task_id)["request_id"] for _ in range(5)}
    assert len(ids) == 5
    assert next(iter(emulated.app.tasks)).request_id not in ids


@pytest.mark.parametrize("suffix", ["", "/", "?duration=5&prompt_extend=true", "/?watermark=true"])
def test_slashes_and_queries_change_nothing(emulated, suffix):  # python: the async client
    task_id = emulated.create()
    answer = emulated.call("GET", f"/tasks/{task_id}{suffix}")
    assert answer.json()["output"]["task_status"] == "PENDING"
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("task_id", ["x", "00000000-0000-4000-8000-000000000000", "%20", "a b"])
def test_an_invented_id_is_unknown_with_200(emulated, task_id):  # reference
    answer = emulated.call("GET", f"/tasks/{task_id}")
    assert answer.status_code == 200
    output = answer.json()["output"]
    assert output["task_status"] == "UNKNOWN"
    assert set(output) == {"task_id", "task_status"}


def test_a_foreign_task_is_unknown_and_cannot_be_cancelled(emulated):  # tasks
    task_id = emulated.create(pause_s=0)
    for region, key in (("singapore", "sk-other"), ("beijing", "sk-beijing")):
        assert emulated.status(task_id, region=region, key=key) == "UNKNOWN"
        answer = emulated.call("POST", f"/tasks/{task_id}/cancel", region=region, key=key)
        assert answer.status_code == 400
    assert emulated.status(task_id) == "PENDING"


def test_a_record_lives_24_hours(emulated):  # reference
    task_id = emulated.create(pause_s=0)
    emulated.clock.advance(24 * 3600 - 1)
    assert emulated.status(task_id) == "SUCCEEDED"
    assert emulated.listed()["total"] == 1
    emulated.clock.advance(2)
    assert emulated.status(task_id) == "UNKNOWN"
    assert emulated.listed()["total"] == 0


# Cancel; sources: tasks, exchanges.


@pytest.mark.parametrize("suffix", ["/cancel", "/cancel/"])
@pytest.mark.parametrize("body", [b"", b'{"model":"","parameters":{},"input":""}'])
def test_a_pending_task_can_be_cancelled(emulated, suffix, body):
    task_id = emulated.create(pause_s=0)
    answer = emulated.call("POST", f"/tasks/{task_id}{suffix}", data=body)
    assert answer.status_code == 200
    assert set(answer.json()) == {"request_id"}
    emulated.clock.advance(100)
    output = emulated.get(task_id)["output"]
    assert output == {"task_id": task_id, "task_status": "CANCELED"}
    (task,) = emulated.app.tasks
    assert not task.paid


@pytest.mark.parametrize("wait_s", [20, 100])
def test_no_other_task_can_be_cancelled(emulated, wait_s):
    task_id = emulated.create()
    emulated.clock.advance(wait_s)
    before = emulated.status(task_id)
    answer = emulated.call("POST", f"/tasks/{task_id}/cancel")
    assert answer.status_code == 400
    said = answer.json()
    assert said["code"] == "UnsupportedOperation"
    assert "please confirm if the task is in PENDING status" in said["message"]
    assert emulated.status(task_id) == before != "CANCELED"


def test_a_cancelled_task_cannot_be_cancelled_again_and_frees_its_place(emulated):
    first = emulated.create()
    emulated.create()
    assert emulated.post_status() == 429
    assert emulated.call("POST", f"/tasks/{first}/cancel").status_code == 200
    assert emulated.call("POST", f"/tasks/{first}/cancel").status_code == 400
    emulated.clock.advance(2)
    assert emulated.post_status() == 200


def test_an_unknown_task_cannot_be_cancelled(emulated):  # silent
    answer = emulated.call("POST", "/tasks/nothing/cancel")
    assert (answer.status_code, answer.json()["code"]) == (400, "UnsupportedOperation")


def test_any_key_of_the_account_may_query_list_and_cancel(emulated):  # tasks
    task_id = emulated.create(pause_s=0)
    assert emulated.status(task_id, key="sk-second") == "PENDING"
    assert emulated.call("GET", "/tasks", key="sk-second").json()["total"] == 1
    answer = emulated.call("POST", f"/tasks/{task_id}/cancel", key="sk-second")
    assert answer.status_code == 200


# List; sources: tasks, exchanges.


def many(emulated, count):
    return [emulated.create(pause_s=100) for _ in range(count)][::-1]


def test_pages(emulated):
    ids = many(emulated, 12)
    first, second = emulated.listed(), emulated.listed(page_no=2)
    assert [row["task_id"] for row in first["data"]] == ids[:10]
    assert [row["task_id"] for row in second["data"]] == ids[10:]
    assert (first["total"], first["total_page"], second["page_no"]) == (12, 2, 2)
    assert emulated.listed(page_no=3)["data"] == []
    one = emulated.listed(page_no=3, page_size=5)
    assert [row["task_id"] for row in one["data"]] == ids[10:]
    assert (one["total_page"], one["page_size"]) == (3, 5)


@pytest.mark.parametrize(
    "query",
    [
        {"page_no": 0},
        {"page_no": "x"},
        {"page_no": -1},
        {"page_size": 0},
        {"page_size": 101},
        {"page_size": "²"},
        {"start_time": "2026-01-01"},
        {"end_time": "tomorrow"},
        {"start_time": "20260901000000", "end_time": "20260902000001"},
        {"start_time": "20260902000000", "end_time": "20260901000000"},
    ],
    ids=str,
)
def test_a_bad_list_query_is_refused(emulated, query):  # silent
    answer = emulated.call("GET", "/tasks", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert next(iter(query)) in answer.json()["message"] or "start_time" in query


def test_filters(emulated):
    flash = emulated.create(pause_s=100)
    plus = emulated.create(model=PLUS, key="sk-second", pause_s=1)
    cases = {
        (("model_name", PLUS),): [plus],
        (("status", "SUCCEEDED"),): [flash],
        (("status", "PENDING"),): [plus],
        (("api_key_id", "40001"),): [plus],
        (("region", "ap-southeast-1"),): [plus, flash],
        (("region", "cn-beijing"),): [],
        (("task_id", flash), ("status", "PENDING")): [flash],
        (("task_id", "nothing"),): [],
        (("model_name", PLUS), ("status", "SUCCEEDED")): [],
    }
    for query, expected in cases.items():
        found = [row["task_id"] for row in emulated.listed(**dict(query))["data"]]
        assert found == expected, query
    assert emulated.listed(task_id="nothing")["total_page"] == 0


def stamp(seconds):
    zone = dt.timezone(dt.timedelta(hours=8))
    return dt.datetime.fromtimestamp(seconds, zone).strftime("%Y%m%d%H%M%S")


def test_a_window_of_time(emulated):
    start = emulated.clock.now()
    ids = many(emulated, 3)[::-1]  # at 0, 100 and 200 s
    cases = {
        (start + 50, start + 150): ids[1:2],
        (start + 50, None): ids[2:0:-1],
        (None, start + 150): ids[1::-1],
        (start - 7200, start - 3600): [],
    }
    for (since, until), expected in cases.items():
        query = {"start_time": since, "end_time": until}
        query = {name: stamp(value) for name, value in query.items() if value}
        found = [row["task_id"] for row in emulated.listed(**query)["data"]]
        assert found == expected, query


def test_the_list_may_lag(make_emulated):
    emulated = make_emulated(list_lag_s=30)
    task_id = emulated.create(pause_s=29)
    assert emulated.listed()["total"] == 0
    emulated.clock.advance(2)
    seen = []
    for pause in (0, 44, 60):  # at the second look it has ended, unseen
        emulated.clock.advance(pause)
        (row,) = emulated.listed()["data"]
        seen.append((row["status"], "start_time" in row, "end_time" in row))
    assert emulated.status(task_id) == "SUCCEEDED"
    assert seen == [("PENDING", False, False), ("RUNNING", True, False), ("SUCCEEDED", True, True)]
