"""The compat dialect on the wire: shapes, paths, words, and what it makes of odd requests."""

import base64
import json
import re
from dataclasses import replace

import pytest

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
from tests.world import picture

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


# Paths and owners


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


def test_an_upstream_that_does_not_answer_is_not_the_callers_problem(world):
    world.upstream.faults.add(operation="create", kind="unavailable", times=1)
    task = made(world)
    assert query(world, task).json["output"]["task_status"] == "PENDING"
