"""The compat dialect on the wire: shapes, paths, words, and what it makes of odd requests."""

import base64
import gzip
import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.core.errors import INVALID_FRAME, UPSTREAM_EXPIRED, ApiError
from lib.core.jobs.job import (
    Failure,
    Intent,
    Job,
    PlainRequest,
    Stage,
    State,
    Status,
    StoredVideo,
    Verdict,
)
from lib.core.media.frames import check
from lib.web.auth import digest
from lib.web.compat import dialect
from tests.conftest import film
from tests.world import World, picture

CREATE = "/api/v1/services/aigc/image2video/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIRST, LAST = "http://127.0.0.1:9003/first.png", "http://127.0.0.1:9003/last.png"
KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}


def uri(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def body(prompt="rain", **changes):
    frames = {
        "first_frame_url": uri(picture()),
        "last_frame_url": uri(picture(color=(200, 60, 30))),
    }
    return {
        "model": "wan2.2-kf2v-flash",
        "input": {"prompt": prompt, **frames, **changes.pop("input", {})},
        **changes,
    }


def create(world, data=None, headers=None, path=CREATE):
    return world.client.post(path, json=data or body(), headers={**ASYNC, **(headers or {})})


def made(world, data=None):
    answer = create(world, data)
    assert answer.status_code == 200, answer.text
    return answer.json["output"]["task_id"]


def query(world, task, **options):
    return world.client.get(f"/api/v1/tasks/{task}", **options)


# Shapes


def test_a_create_answers_200_with_two_members_in_their_order(world):
    answer = create(world)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert list(answer.json) == ["output", "request_id"]
    assert list(answer.json["output"]) == ["task_status", "task_id"]
    assert answer.json["output"]["task_status"] == "PENDING"
    assert UUID.fullmatch(answer.json["request_id"])
    assert answer.headers["X-Request-ID"] == answer.json["request_id"]


def test_a_task_through_its_life(world):
    task = made(world, body(parameters={"prompt_extend": True}))
    early = query(world, task)
    assert early.content_type == "application/json;charset=UTF-8"
    assert list(early.json) == ["request_id", "output"]
    assert early.json["output"]["task_status"] == "RUNNING"
    assert set(early.json["output"]) == {"task_id", "task_status", "submit_time", "scheduled_time"}
    world.run()
    late = query(world, task).json
    assert list(late) == ["request_id", "output", "usage"]
    assert list(late["output"]) == [
        "task_id",
        "task_status",
        "submit_time",
        "scheduled_time",
        "end_time",
        "video_url",
        "orig_prompt",
        "actual_prompt",
    ]
    assert late["usage"] == {"video_duration": 5, "video_count": 1, "SR": 720}
    times = [late["output"][name] for name in ("submit_time", "scheduled_time", "end_time")]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", each) for each in times)
    # 1780000000 is 2026-05-28 20:26:40 UTC; the service writes UTC+8.
    assert times[0] == "2026-05-29 04:26:40.000"
    assert late["request_id"] != query(world, task).json["request_id"]


def test_it_is_not_succeeded_before_the_copy_is_verified(world):
    task = made(world)
    world.clock.advance(100)
    (upstream,) = world.paid()
    assert upstream.status == "SUCCEEDED"
    assert world.names("videos/") == []
    assert query(world, task).json["output"]["task_status"] in {"RUNNING", "SUCCEEDED"}
    answer = query(world, task).json["output"]
    assert (answer["task_status"] == "SUCCEEDED") == bool(world.names("videos/"))
    world.run()
    link = query(world, task).json["output"]["video_url"]
    assert world.session().get(link).content == film()


def test_models_of_2_1_report_their_usage_in_their_own_way(world):
    task = made(world, body(model="wan2.1-kf2v-plus"))
    world.run()
    usage = query(world, task).json["usage"]
    assert usage == {"video_count": 1, "video_duration": 5, "video_ratio": "standard"}


def test_a_job_whose_report_had_no_usage_shows_what_it_must_have_been():
    intent = _intent()
    for model, expected in (
        ("wan2.2-kf2v-flash", {"video_duration": 5, "video_count": 1, "SR": 480}),
        (
            "wan2.1-kf2v-plus",
            {"video_duration": 5, "video_count": 1, "video_ratio": "standard"},
        ),
    ):
        intent = replace(intent, request=replace(intent.request, model=model))
        verdict = Verdict(Status.COMPLETED, 2.0, video=StoredVideo("x"))
        link = type("Link", (), {"url": "u"})
        assert dialect.show(Job(intent, verdict=verdict), link, "r")["usage"] == expected


def _intent():
    request = PlainRequest(model="wan2.2-kf2v-flash", seconds=5, resolution="480P")
    return Intent("vid_x", "alice", 1.0, "singapore", "singapore", request, None, None, (1, 1))


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (Job(_intent(), State(Stage.QUEUED, "b", 1.0)), "PENDING"),
        (Job(_intent(), State(Stage.SENDING, "b", 1.0)), "PENDING"),
        (Job(_intent(), State(Stage.UNSURE, "b", 1.0)), "PENDING"),
        (Job(_intent(), State(Stage.RUNNING, "b", 1.0)), "RUNNING"),
        (Job(_intent(), State(Stage.COPYING, "b", 1.0)), "RUNNING"),
        (Job(_intent(), State(Stage.CANCELLED, "b", 1.0)), "CANCELED"),
        (Job(_intent(), verdict=Verdict(Status.CANCELLED, 2.0)), "CANCELED"),
        (Job(_intent(), verdict=Verdict(Status.FAILED, 2.0)), "FAILED"),
        (Job(_intent(), verdict=Verdict(Status.EXPIRED, 2.0)), "FAILED"),
        (Job(_intent(), verdict=Verdict(Status.COMPLETED, 2.0)), "SUCCEEDED"),
    ],
)
def test_every_stage_has_a_word_that_the_sdks_know(job, status):
    shown = dialect.show(job, None, "r")["output"]
    assert shown["task_status"] == status
    assert ("code" in shown) == (status == "FAILED")
    assert dialect.row(job)["status"] == status


def test_a_failed_task_is_http_200_with_the_reason_inside_and_no_times(world):
    task = made(world, body("#moderation"))
    world.run()
    answer = query(world, task)
    assert answer.status_code == 200
    assert answer.json["output"] == {
        "task_id": task,
        "task_status": "FAILED",
        "code": "DataInspectionFailed",
        "message": "Output data may contain inappropriate content.",
    }


def test_a_failure_of_our_own_keeps_its_sentence_under_the_services_code():
    failure = Failure(UPSTREAM_EXPIRED, "The film was made, but ...", retryable=True)
    assert dialect.why(failure) == ("InternalError", "The film was made, but ...")
    assert dialect.why(None)[0] == "InternalError"


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


# Paths and owners


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


def test_owners_see_their_own_tasks_only(make_world):
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})
    alice, bob = ({"Authorization": f"Bearer key-{name}"} for name in "ab")
    task = create(world, headers=alice).json["output"]["task_id"]
    assert query(world, task, headers=alice).json["output"]["task_status"] == "RUNNING"
    foreign = query(world, task, headers=bob)
    assert foreign.status_code == 200
    assert foreign.json["output"] == {"task_id": task, "task_status": "UNKNOWN"}
    assert world.client.get("/api/v1/tasks", headers=bob).json["total"] == 0
    refused = world.client.post(f"/api/v1/tasks/{task}/cancel", headers=bob)
    assert refused.json["code"] == "UnsupportedOperation"


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


# Bodies


def test_what_sdks_send_beside_the_documented_fields_is_ignored(world):
    data = body(
        None,
        input={"function": "video-synthesis", "extend_prompt": True, "colour": 1},
        parameters={"with_audio": False, "size": "1280*720", "shot_type": "multi"},
        stream=False,
    )
    assert data["input"]["prompt"] is None
    made(world, data)
    (task,) = world.paid()
    assert "prompt" not in task.body["input"]
    assert set(task.body["parameters"]) == {"resolution", "prompt_extend", "watermark"}


def test_prompts_are_cut_where_the_service_cuts_them(world):
    task = made(world, body("雨" * 801, input={"negative_prompt": "x" * 501}))
    (sent,) = world.paid()
    assert sent.body["input"]["prompt"] == "雨" * 800
    assert sent.body["input"]["negative_prompt"] == "x" * 500
    world.run()
    assert query(world, task).json["output"]["orig_prompt"] == "雨" * 800


def test_a_gzipped_body_is_unpacked_within_the_limit(world):
    packed = gzip.compress(json.dumps(body()).encode())
    headers = {**ASYNC, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert world.client.post(CREATE, data=packed, headers=headers).status_code == 200
    bomb = gzip.compress(b" " * (40 << 20))
    answer = world.client.post(CREATE, data=bomb, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.TooLarge")
    broken = world.client.post(CREATE, data=packed[:100], headers=headers)
    assert (broken.status_code, broken.json["code"]) == (400, "BadRequest.IllegalInput")
    plain = world.client.post(CREATE, data=b"{}", headers=headers)
    assert plain.json["code"] == "BadRequest.IllegalInput"


def test_a_body_above_the_limit_is_said_before_it_is_read(world):
    headers = {**ASYNC, "Content-Type": "application/json"}
    declared = {"CONTENT_LENGTH": str(33 << 20)}
    answer = world.client.post(CREATE, headers=headers, environ_overrides=declared)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.TooLarge")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "BadRequest.EmptyModel"),
        ({"model": None}, "BadRequest.EmptyModel"),
        ({"model": 7}, "BadRequest.EmptyModel"),
        ({"model": "wan2.2-kf2v-flash"}, "BadRequest.EmptyInput"),
        ({"model": "wan2.2-kf2v-flash", "input": []}, "BadRequest.EmptyInput"),
        ({"model": "wan2.2-kf2v-flash", "input": {"prompt": "x"}}, "InvalidParameter"),
        ({"model": "wan2.2-kf2v-flash", "input": {"first_frame_url": ""}}, "InvalidParameter"),
        (body(parameters=None), "InvalidParameter"),
        (body(parameters=[]), "InvalidParameter"),
        (body(parameters={"duration": 6}), "InvalidParameter"),
        (body(parameters={"seed": -1}), "InvalidParameter"),
        (body(parameters={"watermark": "yes"}), "InvalidParameter"),
        (body(7), "InvalidParameter"),
        (body(input={"template": 7}), "InvalidParameter"),
        (body(input={"first_frame_url": 7}), "InvalidParameter"),
    ],
)
def test_a_body_that_lacks_something_is_refused_in_the_services_words(world, data, code):
    answer = create(world, data or {"x": 1})
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert list(answer.json) == ["code", "message", "request_id"]
    assert world.paid() == []


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b'{"model": NaN}', b"\xff", b"[" * 100_000, b'{"a":1}}']
)
def test_a_body_that_is_no_object_is_refused(world, raw):
    answer = world.client.post(
        CREATE, data=raw, headers={**ASYNC, "Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.IllegalInput")


def test_a_body_of_another_type_is_refused(world):
    answer = world.client.post(CREATE, data={"model": "x"}, headers=ASYNC)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.IllegalInput")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "model",
                    "input",
                    "parameters",
                    "prompt",
                    "first_frame_url",
                    "last_frame_url",
                    "template",
                    "seed",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
fuzzed = World(film)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(json_values, json_values, st.sampled_from(["wan2.2-kf2v-flash", "kf2v", "", None, 3]))
def test_no_json_at_all_makes_it_stumble(source, parameters, model):
    data = {"model": model, "input": source, "parameters": parameters}
    answer = create(fuzzed, data)
    assert answer.status_code in {400, 404}, answer.text
    assert list(answer.json) == ["code", "message", "request_id"]


# Words


REFUSED_FRAMES = {
    "read image error": [
        b"",
        b"this is no picture",
        picture()[:400],
    ],
    "image format error": [
        picture(kind="GIF", mode="P", color=1),
        picture(kind="TIFF"),
        picture(mode="CMYK", kind="JPEG", color=(1, 2, 3, 4)),
        picture(mode="I;16", color=3),
    ],
    "image format error: an alpha channel is not supported": [
        picture(mode="RGBA", color=(1, 2, 3, 4))
    ],
    "the size of input image is too small or too large.": [picture(100, 300), picture(300, 8001)],
    "The input image is larger than 10 MB.": [picture() + bytes(10 << 20)],
}


@pytest.mark.parametrize("sentence", REFUSED_FRAMES)
def test_every_refusal_of_a_frame_has_the_services_sentence(sentence):
    for data in REFUSED_FRAMES[sentence]:
        with pytest.raises(ApiError) as refused:
            check(data, "first_frame")
        assert refused.value.kind is INVALID_FRAME
        status, said = dialect.fail(refused.value, "r")
        assert (status, said["message"]) == (400, sentence)


def test_no_secret_and_no_prompt_is_repeated(world):
    data = body("a very private prompt", parameters={"seed": "private seed"})
    text = create(world, data, {"Authorization": "Bearer private-key"}).text
    assert "private" not in text


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


def test_an_upstream_that_does_not_answer_is_not_the_callers_problem(world):
    world.upstream.faults.add(operation="create", kind="unavailable", times=1)
    task = made(world)
    assert query(world, task).json["output"]["task_status"] == "PENDING"
