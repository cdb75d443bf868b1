"""What our function adds to the service: a re-sent create is paid once, a film outlives its day."""

import json

import pytest
import requests

from tests.world import KEY

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

CREATE = """
from dashscope import VideoSynthesis
print(VideoSynthesis.async_call(api_key=KEY, model="wan2.2-kf2v-flash", prompt=PROMPT,
    first_frame_url=FIRST, last_frame_url=LAST))
"""
FETCH = """
from dashscope import VideoSynthesis
print(VideoSynthesis.fetch(TASK, api_key=KEY))
"""
resending = pytest.mark.parametrize("sdk", ["1.27.8", "2.0.2"], indirect=True)


def jobs(target):
    return target.world.names("pending/") + target.world.names("jobs/")


def ended(target, task):
    target.world.clock.advance(200)
    target.settle()
    return target.get(task)["output"]["task_status"]


@resending
@pytest.mark.parametrize("prompt", ["rain", "#lost-submit"], ids=["ours", "ours-and-upstreams"])
def test_a_create_whose_answer_is_lost_is_paid_once(sdk, make_target, prompt):
    """The SDK sends the create again on its own; with `#lost-submit` the upstream's answer to us is
    lost as well."""
    target = make_target("api")
    # The account's key is known from an earlier task; without one nothing is ever adopted.
    sdk.run(CREATE, target, PROMPT="snow")
    target.settle()
    target.cuts = 1
    made = json.loads(sdk.run(CREATE, target, PROMPT=prompt))
    assert target.cuts == 0
    assert made["status_code"] == 200
    assert len(target.world.paid()) == len(jobs(target)) == 2
    assert ended(target, made["output"]["task_id"]) == "SUCCEEDED"
    assert len(target.world.paid()) == len(jobs(target)) == 2


def test_a_create_that_its_caller_sends_again_is_paid_once(sdk, make_target):
    """1.25.8 does not send again; whoever calls it does."""
    target = make_target("api")
    target.cuts = 2
    first = sdk.run(CREATE, target, PROMPT="rain")
    assert "ConnectionError" in first
    target.cuts = 0
    made = json.loads(sdk.run(CREATE, target, PROMPT="rain"))
    assert len(target.world.paid()) == len(jobs(target)) == 1
    assert ended(target, made["output"]["task_id"]) == "SUCCEEDED"


@resending
def test_the_service_itself_makes_two_tasks_of_it(sdk, make_target):
    """Why the window exists: there is no idempotency token upstream."""
    target = make_target("emulator")
    target.world.upstream.faults.add(operation="create", kind="drop", when="after")
    made = json.loads(sdk.run(CREATE, target, PROMPT="rain"))
    assert made["status_code"] == 200
    assert len(target.world.paid()) == 2


def test_a_day_later_the_upstreams_link_is_dead_and_ours_is_renewed(sdk, make_target):
    target = make_target("api")
    made = json.loads(sdk.run(CREATE, target, PROMPT="rain"))["output"]["task_id"]
    target.settle()
    (task,) = target.world.paid()
    upstream = f"{target.world.upstream_url}/singapore/api/v1/tasks/{task.id}"
    theirs = {"Authorization": f"Bearer {KEY}"}
    link = requests.get(upstream, headers=theirs, timeout=5).json()["output"]["video_url"]
    assert requests.get(link, timeout=5).status_code == 200
    film = requests.get(link, timeout=5).content
    ours = json.loads(sdk.run(FETCH, target, TASK=made))["output"]["video_url"]
    for days in (1, 3, 30):
        target.world.clock.advance(days * 24 * 3600 + 1)
        assert requests.get(link, timeout=5).status_code == 403
        gone = requests.get(upstream, headers=theirs, timeout=5).json()
        assert gone["output"]["task_status"] == "UNKNOWN"
        assert requests.get(ours, timeout=5).status_code == 400  # expired, as the bucket says it
        answer = json.loads(sdk.run(FETCH, target, TASK=made))
        assert answer["output"]["task_status"] == "SUCCEEDED"
        ours = answer["output"]["video_url"]
        assert requests.get(ours, timeout=5).content == film
