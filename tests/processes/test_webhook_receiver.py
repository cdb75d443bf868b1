"""A webhook over real sockets: our functions as processes, the receiver of the papers as another."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports
from tests.receivers import secret
from tests.world import picture

RECEIVER = Path(__file__).with_name("webhook_receiver.py")
SECRETS = {"WEBHOOK_SECRETS": json.dumps({"local": [secret("n"), secret("o")]})}


@pytest.fixture
def service(tmp_path):
    with Processes(tmp_path, {**os.environ, **SECRETS}) as running:
        yield services.start(running, draft=True)


@pytest.fixture
def receiver():
    """The port of a receiver that knows the older secret, and what it prints."""
    port = consecutive_ports(1)
    command = [sys.executable, "-W", "error", str(RECEIVER), secret("o"), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield port, process
    process.terminate()
    process.communicate(timeout=10)


def post(service, url):
    files = {side: ("x.png", picture(320, 320)) for side in ("first_frame", "last_frame")}
    data = {"prompt": "rain", "webhook_url": url}
    answer = requests.post(f"{service.url}/v1/videos", data=data, files=files, timeout=30)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def log(service, job_id):
    path = f"{service.url}/v1/videos/{job_id}/webhook-deliveries"
    return requests.get(path, timeout=30).json()


def test_the_receiver_of_the_papers_hears_how_a_job_ended(service, receiver):
    port, process = receiver
    job_id = post(service, f"http://127.0.0.1:{port}/hook")
    line = process.stdout.readline().split()
    assert line == [f"msg_{job_id[4:]}", "video.completed", job_id]
    for _ in range(100):
        if (told := log(service, job_id))["state"] == "delivered":
            break
        time.sleep(0.1)
    (row,) = told["data"]
    assert (row["attempt"], row["status"], row["outcome"]) == (1, 204, "delivered")


def test_a_port_where_nobody_listens_is_tried_again_later(service):
    job_id = post(service, f"http://127.0.0.1:{consecutive_ports(1)}/hook")
    for _ in range(300):
        told = log(service, job_id)
        if told["data"] and told["data"][0]["outcome"] == "no_answer":
            break
        time.sleep(0.1)
    assert (told["state"], told["data"][0]["status"]) == ("pending", None)
    assert told["next_try_at"] >= told["data"][0]["at"] + 60


def test_this_is_the_receiver_of_the_papers():
    code = RECEIVER.read_text("utf-8").partition("import sys\n")[2]
    assert code in (RECEIVER.parents[2] / "infra/docs/webhooks.md").read_text("utf-8")
