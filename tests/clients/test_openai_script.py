"""A script of openai-python's users runs against real processes, changed in four places only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from werkzeug.wrappers import Request, Response

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.emulator import film
from lib.emulator.body import Dropped
from lib.emulator.samples import monster
from lib.emulator.server import Server
from tests.clients.native_target import LAST_URI
from tests.clients.targets import FIRST_PICTURE, OWNERS

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).with_name("openai_script.py")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """`api` under functions-framework, that knows alice's key and nobody else."""
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as processes:
        running = services.start(processes, draft=True)
        processes.kill(running.api)
        hashes = str(OWNERS).replace("'", '"')
        running.environ |= {"AUTH": "on", "OWNER_KEYS": hashes}
        services.restart_api(processes, running)
        yield running


@pytest.fixture(scope="module")
def link():
    """Where the last frame lies on the web."""

    def app(_environ, start_response):
        start_response("200 OK", [("Content-Type", "image/png")])
        return [monster.last()]

    with Server(app) as web:
        yield f"{web.url}/last.png"


@pytest.fixture
def bad_line(service):
    """A way to the service that loses the first two answers; what came through it."""
    passed = []

    @Request.application
    def app(request):
        headers = {name: value for name, value in request.headers if name != "Host"}
        url, data = service.url + request.path, request.get_data()
        answer = requests.request(request.method, url, headers=headers, data=data, timeout=30)
        passed.append((headers.get("X-Stainless-Retry-Count"), answer.status_code))
        if len(passed) <= 2:
            raise Dropped("the answer is lost")
        return Response(answer.content, answer.status_code, content_type="application/json")

    with Server(app) as line:
        yield line.url, passed


def tasks(service):
    upstream = f"http://127.0.0.1:{service.ports.storage + 1}/emulator/tasks"
    return len(requests.get(upstream, timeout=5).json()["tasks"])


def change(source, old, new, times):
    assert source.count(old) == times
    return source.replace(old, new)


def run(source, folder):
    """What the script prints, in a folder with nothing but its picture."""
    (folder / "first.png").write_bytes(monster.first())
    (folder / "script.py").write_text(source)
    environ = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    return subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environ, capture_output=True, text=True
    )


def test_the_script_as_its_users_wrote_it(service, link, tmp_path):
    source = SCRIPT.read_text()
    client = f'OpenAI(base_url="{service.url}/v1", api_key="key-a")'
    source = change(source, "OpenAI()", client, 1)
    source = change(source, '"sora-2"', '"wan2.2-kf2v-flash"', 2)
    frame = '    input_reference=Path("first.png"),\n'
    extra = f'    extra_body={{"last_frame": "{link}"}},\n'
    source = change(source, frame, frame + extra, 2)
    before = tasks(service)
    ran = run(source, tmp_path)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("Video generation started: vid_")
    assert lines[-3:] == [
        "Video generation completed: wan2.2-kf2v-flash 1280x720 5 s",
        "Wrote video.mp4",
        "And another: completed",
    ]
    found = film.probe((tmp_path / "video.mp4").read_bytes())
    assert (found["frames"], found["width"], found["height"]) == (150, 1280, 720)
    assert tasks(service) == before + 2


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_three_tries_of_one_create_pay_once_under_functions_framework(service, bad_line, openai):
    url, passed = bad_line
    before = tasks(service)
    with openai.OpenAI(base_url=f"{url}/v1", api_key="key-a") as client:
        video = client.videos.create(
            model="wan2.2-kf2v-flash",
            prompt="rain",
            size="832x480",
            input_reference=FIRST_PICTURE,
            extra_body={"last_frame": LAST_URI},
        )
        assert client.videos.poll(video.id).status == "completed"
    assert passed[:3] == [("0", 202), ("1", 202), ("2", 202)]
    assert tasks(service) == before + 1


def test_the_same_script_with_a_key_that_nobody_has_ends_with_our_words(service, tmp_path):
    client = f'OpenAI(base_url="{service.url}/v1", api_key="sk-wrong")'
    ran = run(change(SCRIPT.read_text(), "OpenAI()", client, 1), tmp_path)
    assert ran.returncode == 1
    assert "openai.AuthenticationError: Error code: 401 - " in ran.stderr
