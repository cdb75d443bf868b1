"""Tasks in DashScope's dialect: made, looked at, listed, cancelled."""

import pytest

from tests.web.compat.test_dialect import body

CREATE = "/api/v1/services/aigc/image2video/video-synthesis"


ASYNC = {"X-DashScope-Async": "enable"}


def create(world, data=None, headers=None, path=CREATE):
    return world.client.post(path, json=data or body(), headers={**ASYNC, **(headers or {})})


def made(world, data=None):
    answer = create(world, data)
    assert answer.status_code == 200, answer.text
    return answer.json["output"]["task_id"]


def query(world, task, **options):
    return world.client.get(f"/api/v1/tasks/{task}", **options)


def test_the_list_has_milliseconds_and_pages(world):
    tasks = []
    for number in range(3):
        tasks.append(made(world, body(f"rain {number}")))
        world.clock.advance(100)
        world.run()
    answer = world.client.get("/api/v1/tasks?page_no=1&page_size=2")
    assert answer.content_type == "application/json;charset=UTF-8"
    page = answer.json
    assert {k: page[k] for k in ("total", "total_page", "page_no", "page_size")} == {
        "total": 3,
        "total_page": 2,
        "page_no": 1,
        "page_size": 2,
    }
    assert [row["task_id"] for row in page["data"]] == tasks[:0:-1]
    row = page["data"][0]
    assert row["status"] == "SUCCEEDED"
    assert row["region"] == "ap-southeast-1"
    assert 1_780_000_000_000 < row["gmt_create"] < row["start_time"] < row["end_time"]
    rest = world.client.get("/api/v1/tasks/?page_no=2&page_size=2").json["data"]
    assert [each["task_id"] for each in rest] == tasks[:1]


def test_the_list_filters(world):
    task = made(world)
    world.run()
    made(world, body("snow", model="wan2.1-kf2v-plus"))

    def total(text):
        return world.client.get(f"/api/v1/tasks?{text}").json["total"]

    assert total(f"task_id={task}") == 1
    assert total("model_name=wan2.1-kf2v-plus") == 1
    assert total("status=SUCCEEDED") == 1
    assert total("region=cn-beijing") == 0
    assert total("start_time=20260529042600&end_time=20260529042700") == 1
    assert total("start_time=20260501000000") == 0
    world.clock.advance(3 * 24 * 3600)
    assert total("") == 0
    assert total("start_time=20260529000000") == 2  # unlike the service's, these do not die


@pytest.mark.parametrize(
    "text",
    [
        "page_no=0",
        "page_no=x",
        "page_no=-1",
        "page_size=101",
        "page_size=99999999999999999999",
        "start_time=2026",
        "start_time=99991231235959&end_time=99991231235959",
        "end_time=00010101000000",
        "start_time=20260101000000&end_time=20260105000000",
        "start_time=20260105000000&end_time=20260101000000",
    ],
)
def test_a_list_query_that_makes_no_sense_is_400_or_empty(world, text):
    answer = world.client.get(f"/api/v1/tasks?{text}")
    if answer.status_code == 200:
        assert answer.json["total"] == 0
    else:
        assert (answer.status_code, answer.json["code"]) == (400, "InvalidParameter")


def test_cancel(world):
    task = made(world)
    done = world.client.post(f"/api/v1/tasks/{task}/cancel")
    assert (done.status_code, list(done.json)) == (200, ["request_id"])
    assert query(world, task).json["output"] == {"task_id": task, "task_status": "CANCELED"}
    for again in (task, "vid_" + "0" * 27, "nothing"):
        refused = world.client.post(f"/api/v1/tasks/{again}/cancel", json={"model": ""})
        assert (refused.status_code, refused.json["code"]) == (400, "UnsupportedOperation")
