"""The second surface of SDK 2: `Client().videos` beside `VideoSynthesis`, on both targets."""

import pytest

from tests.clients.targets import plain

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("sdk", ["2.0.2"], indirect=True),
]

START = """
from dashscope.v2.client import Client
client = Client(api_key=KEY, base_url=dashscope.base_http_api_url)
"""
OLD = """
from dashscope import VideoSynthesis
made = VideoSynthesis.async_call(api_key=KEY, model="wan2.2-kf2v-flash", prompt="rain",
    first_frame_url=FIRST, last_frame_url=LAST)
print(made.output.task_id)
"""


def test_its_create_goes_where_these_models_are_not_served(sdk, both):
    """No argument leads it to another path, so it cannot make such a film on the service either."""
    code = """
client.videos.jobs.create(model="wan2.2-kf2v-flash", prompt="rain",
    extra_input={"first_frame_url": FIRST, "last_frame_url": LAST})
"""
    theirs, ours = (plain(sdk.run(START + code, target)) for target in both())
    assert ours == theirs
    assert "url error, please check url!" in ours


def test_it_waits_for_a_task_and_reads_its_film(sdk, target):
    task = sdk.run(OLD, target).strip()
    code = """
print(client.videos.jobs.fetch(TASK).status)
job = client.videos.jobs.wait(TASK)
print(job.succeeded, job.video_url)
"""
    with target.time_passes():
        first, ended = sdk.run(START + code, target, TASK=task).splitlines()
    assert first in {"PENDING", "RUNNING"}
    assert ended.startswith("True http://")


def test_it_raises_for_a_failed_task_on_both_alike(sdk, both):
    printed = []
    for target in both():
        task = sdk.run(OLD.replace("rain", "#moderation"), target).strip()
        target.settle()
        printed.append(plain(sdk.run(START + "client.videos.jobs.wait(TASK)", target, TASK=task)))
    assert printed[0] == printed[1]
    assert "Output data may contain inappropriate content." in printed[0]


def test_it_cancels(sdk, target):
    task = sdk.run(OLD, target).strip()
    text = sdk.run(START + "client.videos.jobs.cancel(TASK)", target, TASK=task)
    assert "Error" not in text
    assert target.get(task)["output"]["task_status"] == "CANCELED"


def test_its_list_finds_no_rows_under_the_name_that_it_expects(sdk, target):
    """It reads `tasks`; the service, and so we, say `data`."""
    sdk.run(OLD, target)
    code = "page = client.videos.jobs.list()\nprint(page.total, page.page_size, page.tasks)"
    assert sdk.run(START + code, target) == "1 10 []\n"
