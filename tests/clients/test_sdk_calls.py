"""Every call of `VideoSynthesis` and `AioVideoSynthesis`, with each SDK, on both targets."""

import ast
import json

import pytest
import requests

from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE, plain

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

ARGUMENTS = """api_key=KEY, model="wan2.2-kf2v-flash", prompt="rain",
    first_frame_url=FIRST, last_frame_url=LAST"""
# The asynchronous client of 1.25.8 sends GET .../cancel/, which no document knows.
NO_SUCH_PATH = (404, "NotFound")
SYNC = "from dashscope import VideoSynthesis\n"
AIO = "import asyncio\nfrom dashscope.aigc.video_synthesis import AioVideoSynthesis\n"


def answers(text):
    """The responses that were printed, one a line."""
    assert "Error" not in text, text
    return [json.loads(line) for line in text.splitlines()]


def check_film(target, answer):
    """A printed response is a success, and its link leads to a film: on `api`, into the bucket."""
    assert (answer["status_code"], answer["code"] or None) == (200, None)
    output = answer["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert output["orig_prompt"] == "rain"
    usage = {name: answer["usage"][name] for name in ("video_count", "video_duration", "SR")}
    assert usage == {"video_count": 1, "video_duration": 5, "SR": 720}
    film = requests.get(output["video_url"], timeout=5)
    assert film.status_code == 200
    assert film.content[4:8] == b"ftyp"
    ours = f"{target.world.storage_url}/inbetween-test/videos/alice/"
    assert output["video_url"].startswith(ours) == (target.name == "api")
    (task,) = target.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)
    return task


def test_call(sdk, target):
    code = f"""print(VideoSynthesis.call({ARGUMENTS},
        duration=5, prompt_extend=True, watermark=True))"""
    with target.time_passes():
        (answer,) = answers(sdk.run(SYNC + code, target))
    task = check_film(target, answer)
    assert task.film.watermark is True


def test_async_call_then_wait(sdk, target):
    code = f"""
made = VideoSynthesis.async_call({ARGUMENTS})
print(made)
print(VideoSynthesis.wait(made, api_key=KEY))"""
    with target.time_passes():
        made, ended = answers(sdk.run(SYNC + code, target))
    assert made["status_code"] == 200
    assert made["output"]["task_status"] == "PENDING"
    assert ended["output"]["task_id"] == made["output"]["task_id"]
    check_film(target, ended)


def test_fetch(sdk, target):
    made = f"print(VideoSynthesis.async_call({ARGUMENTS}))"
    (answer,) = answers(sdk.run(SYNC + made, target))
    fetch = "print(VideoSynthesis.fetch(TASK, api_key=KEY))"
    task = answer["output"]["task_id"]
    (early,) = answers(sdk.run(SYNC + fetch, target, TASK=task))
    assert early["output"]["task_status"] in {"PENDING", "RUNNING"}
    target.settle()
    (late,) = answers(sdk.run(SYNC + fetch, target, TASK=task))
    check_film(target, late)


def test_fetch_of_an_id_that_never_was(sdk, target):
    code = "print(VideoSynthesis.fetch('0385dc79-5ff8-4d82-bcb6-000000000001', api_key=KEY))"
    (answer,) = answers(sdk.run(SYNC + code, target))
    assert answer["status_code"] == 200
    assert answer["output"]["task_status"] == "UNKNOWN"


def test_cancel(sdk, target):
    code = f"""
made = VideoSynthesis.async_call({ARGUMENTS})
print(VideoSynthesis.cancel(made, api_key=KEY))
print(VideoSynthesis.fetch(made, api_key=KEY))
print(VideoSynthesis.cancel(made, api_key=KEY))"""
    done, fetched, again = answers(sdk.run(SYNC + code, target))
    assert done["status_code"] == 200
    assert not done["code"]
    assert fetched["output"]["task_status"] == "CANCELED"
    assert (again["status_code"], again["code"]) == (400, "UnsupportedOperation")


def test_cancel_of_a_task_that_works(sdk, target):
    (made,) = answers(sdk.run(SYNC + f"print(VideoSynthesis.async_call({ARGUMENTS}))", target))
    target.world.clock.advance(5)
    code = "print(VideoSynthesis.cancel(TASK, api_key=KEY))"
    (refused,) = answers(sdk.run(SYNC + code, target, TASK=made["output"]["task_id"]))
    assert (refused["status_code"], refused["code"]) == (400, "UnsupportedOperation")
    assert refused["message"] == (
        "Failed to cancel the task, please confirm if the task is in PENDING status."
    )


def test_list(sdk, target):
    made = f"print(VideoSynthesis.async_call({ARGUMENTS}))"
    (answer,) = answers(sdk.run(SYNC + made, target))
    code = "print(VideoSynthesis.list(api_key=KEY))"
    (listed,) = answers(sdk.run(SYNC + code, target))
    assert listed["status_code"] == 200
    page = listed["output"]
    assert (page["total"], page["page_no"], page["page_size"]) == (1, 1, 10)
    assert page["data"][0]["task_id"] == answer["output"]["task_id"]
    assert page["data"][0]["model_name"] == "wan2.2-kf2v-flash"
    code = "print(VideoSynthesis.list(api_key=KEY, status='FAILED', page_size=5))"
    (none,) = answers(sdk.run(SYNC + code, target))
    assert (none["output"]["total"], none["output"]["data"]) == (0, [])


def test_aio_call(sdk, target):
    code = f"""print(asyncio.run(AioVideoSynthesis.call({ARGUMENTS},
        duration=5, prompt_extend=True, watermark=True)))"""
    with target.time_passes():
        (answer,) = answers(sdk.run(AIO + code, target))
    check_film(target, answer)


def test_aio_async_call_wait_fetch_cancel_list(sdk, target):
    code = f"""
async def all_of_it():
    made = await AioVideoSynthesis.async_call({ARGUMENTS})
    print(await AioVideoSynthesis.wait(made, api_key=KEY))
    print(await AioVideoSynthesis.fetch(made, api_key=KEY))
    print(await AioVideoSynthesis.cancel(made, api_key=KEY))
    print(await AioVideoSynthesis.list(api_key=KEY))
asyncio.run(all_of_it())"""
    with target.time_passes():
        waited, fetched, cancelled, listed = answers(sdk.run(AIO + code, target))
    check_film(target, waited)
    check_film(target, fetched)
    refused = (400, "UnsupportedOperation") if sdk.version != "1.25.8" else NO_SUCH_PATH
    assert (cancelled["status_code"], cancelled["code"]) == refused
    assert listed["output"]["data"][0]["status"] == "SUCCEEDED"


def test_aio_cancel_with_its_json_body(sdk, target):
    code = f"""
async def all_of_it():
    made = await AioVideoSynthesis.async_call({ARGUMENTS})
    print(await AioVideoSynthesis.cancel(made, api_key=KEY))
asyncio.run(all_of_it())"""
    (cancelled,) = answers(sdk.run(AIO + code, target))
    if sdk.version == "1.25.8":
        assert (cancelled["status_code"], cancelled["code"]) == NO_SUCH_PATH
    else:
        assert (cancelled["status_code"], cancelled["code"]) == (200, "")


def test_template_effect_needs_no_last_frame_and_a_prompt_may_be_none(sdk, target):
    code = """print(VideoSynthesis.async_call(api_key=KEY, model="wan2.2-kf2v-flash", prompt=None,
        first_frame_url=FIRST, template="solaron", resolution="480P", seed=7))"""
    (made,) = answers(sdk.run(SYNC + code, target))
    assert made["status_code"] == 200
    (task,) = target.world.paid()
    assert task.body["input"]["template"] == "solaron"
    assert (task.film.last, task.film.resolution, task.film.seed) == (None, "480P", 7)
    target.settle()
    assert target.get(made["output"]["task_id"])["output"]["task_status"] == "SUCCEEDED"


def test_data_uri(sdk, target):
    code = f"""
import base64, urllib.request
def uri(link):
    return "data:image/png;base64," + base64.b64encode(urllib.request.urlopen(link).read()).decode()
FIRST, LAST = uri(FIRST), uri(LAST)
print(VideoSynthesis.async_call({ARGUMENTS}))"""
    (made,) = answers(sdk.run(SYNC + code, target))
    target.settle()
    code = "print(VideoSynthesis.fetch(TASK, api_key=KEY))"
    (ended,) = answers(sdk.run(SYNC + code, target, TASK=made["output"]["task_id"]))
    check_film(target, ended)


def test_arguments_that_nobody_knows_change_nothing(sdk, target):
    code = f"""print(VideoSynthesis.async_call({ARGUMENTS}, negative_prompt="blur",
        size="1280*720", with_audio=False, extra_input={{"colour": "blue"}}))"""
    (made,) = answers(sdk.run(SYNC + code, target))
    assert made["status_code"] == 200, made
    (task,) = target.world.paid()
    assert task.body["input"]["negative_prompt"] == "blur"


def test_both_targets_print_the_same_for_a_film(sdk, both):
    code = f"print(VideoSynthesis.call({ARGUMENTS}))"
    printed = []
    for target in both():
        with target.time_passes():
            printed.append(plain(sdk.run(SYNC + code, target)))
    assert ast.literal_eval(printed[0].replace("null", "None")) == ast.literal_eval(
        printed[1].replace("null", "None")
    )
