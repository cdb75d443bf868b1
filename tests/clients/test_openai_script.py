"""A script of openai-python's users runs against real processes, changed in four places only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from lib.emulator import film
from lib.emulator.samples import monster
from lib.emulator.wire import Server
from tests.clients.targets import OWNERS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).with_name("openai_script.py")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """`api` under functions-framework, that knows alice's key and nobody else."""
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as processes:
        running = services.start(processes)
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
    upstream = f"http://127.0.0.1:{service.ports.storage + 1}/emulator/tasks"
    assert len(requests.get(upstream, timeout=5).json()["tasks"]) == 2


def test_the_same_script_with_a_key_that_nobody_has_ends_with_our_words(service, tmp_path):
    client = f'OpenAI(base_url="{service.url}/v1", api_key="sk-wrong")'
    ran = run(change(SCRIPT.read_text(), "OpenAI()", client, 1), tmp_path)
    assert ran.returncode == 1
    assert "openai.AuthenticationError: Error code: 401 - " in ran.stderr
