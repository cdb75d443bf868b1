"""Large posts at once against one real instance: every answer right, memory bounded. Ten here; a
hundred by `python -m tests.processes.load --posts 100`."""

import http.client
import json
import os

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from tests.processes import load


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as running:
        yield services.start(running, draft=True)


@pytest.mark.slow
def test_ten_posts_of_two_8_mb_frames_are_all_answered_rightly_in_bounded_memory(tmp_path):
    made = load.run(10, tmp_path)
    assert made.wrong == []
    assert made.answers["202"] == 10
    assert set(made.answers) <= {"202", "503 overloaded"}
    assert made.peak_mb <= load.BOUND_MB


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/v1/videos", "application/json", 413),
        ("/v1/videos", "text/plain", 413),
        ("/v1/nowhere", "application/json", 404),
        ("/api/v1/services/aigc/image2video/video-synthesis", "application/json", 403),
    ],
)
def test_who_sends_far_too_much_hears_why_instead_of_a_reset(service, path, kind, status):
    connection = http.client.HTTPConnection("127.0.0.1", service.ports.api, timeout=60)
    headers = {"Content-Type": kind, "Connection": "close"}
    connection.request("POST", path, bytes(40 << 20), headers)  # raises when it is cut off
    with connection.getresponse() as answer:
        assert answer.status == status
        data = json.loads(answer.read())
    connection.close()
    assert "error" in data or "code" in data


def blocks(megabytes):
    for _ in range(megabytes):
        yield bytes(1 << 20)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/videos", 413), ("POST", "/v1/nowhere", 404), ("GET", "/health", 200)],
)
def test_a_body_without_a_length_fills_no_memory_whatever_it_is_sent_to(
    service, method, path, status
):
    """The framework reads what an answer left unread, and would keep all of it."""
    group = service.api.popen.pid
    before = load.memory_mb(group, "VmHWM")
    answer = requests.request(
        method,
        service.url + path,
        data=blocks(200 if status != 413 else 50),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.status_code == status
    assert load.memory_mb(group, "VmHWM") - before < 80


def test_the_load_sees_what_is_wrong():
    good = ["pending/a/vid_1.json", "frames/a/vid_1/x.png", "gates/singapore"]
    assert load.judge(1, load.Load(ids=["vid_1"]), good) == []
    assert load.judge(2, load.Load(ids=["vid_1"]), good)
    assert load.judge(1, load.Load(ids=["vid_1"]), [*good, "jobs/a/vid_2.json"])
    assert load.judge(1, load.Load(ids=["vid_1"]), good[:1])
    assert load.judge(1, load.Load(ids=["vid_1"], peak_mb=load.BOUND_MB + 1), good)
