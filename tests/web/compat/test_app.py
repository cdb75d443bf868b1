"""DashScope's dialect as an app: its paths, its strangers, and what it answers when something breaks."""

import json
import re

import pytest

from lib.web.auth import digest
from tests.web.compat.test_dialect import body

CREATE = "/api/v1/services/aigc/image2video/video-synthesis"


ASYNC = {"X-DashScope-Async": "enable"}


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}


def create(world, data=None, headers=None, path=CREATE):
    return world.client.post(path, json=data or body(), headers={**ASYNC, **(headers or {})})


def made(world, data=None):
    answer = create(world, data)
    assert answer.status_code == 200, answer.text
    return answer.json["output"]["task_id"]


def query(world, task, **options):
    return world.client.get(f"/api/v1/tasks/{task}", **options)


@pytest.mark.parametrize("tail", ["", "/", "?duration=5&prompt_extend=true", "/?x=1"])
def test_slashes_and_queries_change_nothing(world, tail):
    task = made(world)
    assert query(world, task + tail).json["output"]["task_id"] == task
    assert create(world, body("snow"), path=CREATE + tail).status_code == 200
    assert world.client.get(f"/api/v1/tasks{tail}").json["total"] == 2
    assert world.client.post(f"/api/v1/tasks/{task}/cancel{tail}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/"),
        ("GET", "/api/v1/nothing"),
        ("GET", CREATE),
        ("PUT", "/api/v1/tasks"),
        ("OPTIONS", "/api/v1/tasks"),
        ("GET", "/api/v1/tasks/x/cancel"),
        ("POST", "/api/v1/services/aigc/text2image/image-synthesis"),
    ],
)
def test_other_paths_and_methods_are_404_in_the_services_shape(world, method, path):
    answer = world.client.open(path, method=method)
    assert answer.status_code == 404
    assert list(answer.json) == ["code", "message", "request_id"]
    assert answer.json["code"] == "NotFound"
    assert answer.headers["X-Request-ID"] == answer.json["request_id"]


def test_a_caller_cannot_choose_the_request_id(world):
    answer = create(world, headers={"X-Request-Id": "../../x"})
    assert UUID.fullmatch(answer.json["request_id"])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "No API-key provided."),
        ("Bearer ", "No API-key provided."),
        ("Basic eDp5", "No API-key provided."),
        ("Bearer nope", "Invalid API-key provided."),
        ("bearer nope", "Invalid API-key provided."),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CREATE),
        ("GET", "/api/v1/tasks/x"),
        ("GET", "/api/v1/tasks"),
        ("POST", "/api/v1/tasks/x/cancel"),
        ("GET", "/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash"),
    ],
)
def test_a_stranger_hears_what_the_service_says(make_world, header, message, method, path):
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})
    headers = {"Authorization": header} if header is not None else {}
    answer = world.client.open(path, method=method, headers={**ASYNC, **headers})
    assert answer.status_code == 401
    assert {k: answer.json[k] for k in ("code", "message")} == {
        "code": "InvalidApiKey",
        "message": message,
    }


def test_a_crash_is_a_flat_500(make_world):
    world = make_world()
    object.__setattr__(world.context, "ledger", None)
    answer = create(world)
    assert answer.status_code == 500
    assert list(answer.json) == ["code", "message", "request_id"]
    assert answer.json["code"] == "InternalError"
    assert "None" not in answer.text


def test_a_bucket_that_does_not_answer_is_503_so_that_sdks_poll_on(world):
    task = made(world)
    world.storage.faults.add(object="pending/*", status=503, times=1000)
    answer = query(world, task)
    assert (answer.status_code, answer.json["code"]) == (503, "ServiceUnavailable")
    world.storage.faults.clear()
    assert query(world, task).json["output"]["task_status"] == "RUNNING"
