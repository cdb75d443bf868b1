"""What the Java SDK sends, to the byte, and what it needs to read from the answers."""

import json

import pytest
import requests

from tests.clients.java import Java
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE, plain


@pytest.fixture
def java():
    opened = []

    def connect(target, key=None):
        opened.append(Java(target.url, key or target.key))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def guide(target, **changes):
    """The body of the guide's first two Java samples."""
    return {
        "model": "wan2.2-kf2v-flash",
        "input": {
            "prompt": "一个可爱且表情有些忧伤的蓝色小怪物站在雨中。",
            "extend_prompt": True,
            "first_frame_url": target.first,
            "last_frame_url": target.last,
        },
        "parameters": {
            "with_audio": False,
            "watermark": True,
            "prompt_extend": True,
            "resolution": "720P",
        },
        **changes,
    }


def test_call_polls_on_one_connection_until_the_film_is_there(java, target):
    client = java(target)
    status, made = client.create(guide(target))
    assert status == 200
    assert set(made) == {"output", "request_id"}
    assert made["output"]["task_status"] == "PENDING"
    task = made["output"]["task_id"]
    assert client.fetch(task)[1]["output"]["task_status"] in {"PENDING", "RUNNING"}
    target.settle()
    status, ended = client.fetch(task)
    assert (status, ended["output"]["task_status"]) == (200, "SUCCEEDED")
    assert int(str(ended["usage"]["SR"])) == 720  # a text in Java
    film = requests.get(ended["output"]["video_url"], timeout=5)
    assert film.content[4:8] == b"ftyp"
    (paid,) = target.world.paid()
    assert paid.film.watermark is True


def test_the_third_sample_of_the_guide_leaves_the_watermark_out(java, target):
    body = guide(target)
    body["parameters"] = {"with_audio": False, "prompt_extend": True, "resolution": "720P"}
    assert java(target).create(body)[0] == 200
    (paid,) = target.world.paid()
    assert paid.film.watermark is False


def test_the_smallest_body_it_can_send(java, target):
    """Its own unit test: no prompt, and `with_audio` all the same."""
    body = guide(target, parameters={"with_audio": False})
    del body["input"]["prompt"]
    assert java(target).create(body)[0] == 200


def test_files_are_uploaded_each_under_a_policy_of_its_own(java, target):
    client = java(target)
    body = guide(target)
    for name, data in (("first", FIRST_PICTURE), ("last", LAST_PICTURE)):
        body["input"][f"{name}_frame_url"] = client.upload(data, f"{name} frame.png")
    status, made = client.create(body, resolve=True)
    assert status == 200, made
    (paid,) = target.world.paid()
    assert (paid.film.first, paid.film.last) == (FIRST_PICTURE, LAST_PICTURE)


def test_an_oss_name_that_the_caller_wrote_lacks_the_header_and_fails(java, target):
    client = java(target)
    body = guide(target)
    body["input"]["first_frame_url"] = client.upload(FIRST_PICTURE, "a.png")
    status, answer = client.create(body)
    assert (status, answer["code"]) == (400, "InvalidParameter.DataInspection")


def test_cancel_and_list(java, target):
    client = java(target)
    task = client.create(guide(target))[1]["output"]["task_id"]
    status, done = client.cancel(task)
    assert (status, list(done)) == (200, ["request_id"])
    status, refused = client.cancel(task)
    assert (status, refused["code"]) == (400, "UnsupportedOperation")
    status, page = client.list()
    assert (status, page["total"], page["data"][0]["status"]) == (200, 1, "CANCELED")
    assert client.list("status=CANCELED&page_no=1")[1]["total"] == 1
    assert client.list("model_name=wan2.1-kf2v-plus")[1]["total"] == 0


def test_after_one_kf2v_call_every_model_goes_the_same_way(java, both):
    """The SDK changes its shared option: another model then lands on the kf2v path, and fails."""
    answers = [java(target).create(guide(target, model="wan2.2-i2v-flash")) for target in both()]
    assert [(status, body["message"]) for status, body in answers] == [
        (400, "url error, please check url!")
    ] * 2


def test_an_old_release_sends_kf2v_models_the_old_way(java, both):
    """Below 2.22.6: the failure that the guide's last question is about."""
    for target in both():
        status, body = java(target).create(guide(target), task="video-generation")
        assert (status, body["code"], body["message"]) == (
            400,
            "InvalidParameter",
            "url error, please check url!",
        )


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("sk-nobody", {}),
        ("sk-local-beijing", {}),
        (None, {"model": "wanx2.1-kf2v-plus"}),
        (None, {"model": "wan9-kf2v"}),
        (None, {"input": {}}),
        (None, {"parameters": {"with_audio": False, "resolution": "8K"}}),
    ],
    ids=["key", "region-key", "region-model", "model", "input", "resolution"],
)
def test_what_its_exception_says_is_the_same_on_both_targets(java, both, key, changes):
    """`ApiException.getMessage()` is made of status, code, message and request id."""
    theirs, ours = (java(target, key).create(guide(target, **changes)) for target in both())
    assert theirs[0] == ours[0]
    assert plain(json.dumps(theirs[1])) == plain(json.dumps(ours[1]))
    assert list(ours[1]) == ["code", "message", "request_id"]


@pytest.mark.parametrize("name", ["missing", "small", "broken", "text", "holes"])
def test_a_bad_picture_is_said_the_same_way_on_both_targets(java, both, name):
    answers = []
    for target in both():
        target.world.upstream.settings.change({"bad_frame": "refuse"})
        body = guide(target)
        body["input"]["last_frame_url"] = f"{target.pictures}/{name}.png"
        answers.append(java(target).create(body))
    assert answers[0][0] == answers[1][0] == 400
    assert plain(json.dumps(answers[0][1])) == plain(json.dumps(answers[1][1]))


@pytest.mark.parametrize("prompt", ["#moderation", "#moderation-input"])
def test_moderation_is_said_the_same_way_on_both_targets(java, both, prompt):
    answers = []
    for target in both():
        client, body = java(target), guide(target)
        body["input"]["prompt"] = prompt
        status, answer = client.create(body)
        if status == 200:
            target.settle()
            status, answer = client.fetch(answer["output"]["task_id"])
        answers.append((status, plain(json.dumps(answer))))
    assert answers[0] == answers[1]
    assert "DataInspectionFailed" in answers[0][1]
