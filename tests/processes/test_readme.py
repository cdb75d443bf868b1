"""The papers tell the truth: their curl lines run as they stand, and the fixture works."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
README, API, EMULATORS = (
    (ROOT / name).read_text("utf-8")
    for name in ("README.md", "infra/docs/api.md", "infra/docs/emulators.md")
)
SAMPLES = "lib/emulator/samples"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as running:
        yield services.start(running, draft=True)


@pytest.fixture
def folder(tmp_path):
    """What the lines need of the project's folder, and room for what they make."""
    shutil.copytree(ROOT / SAMPLES, tmp_path / SAMPLES)
    return tmp_path


def commands(page):
    block = re.search(r"```bash\n(.*?)```", page, re.DOTALL)[1]
    lines = [line for line in block.splitlines() if not line.startswith("#")]
    return [text.strip() for text in "\n".join(lines).split("\n\n") if text.strip()]


def run(command, folder, service, job_id=""):
    environ = {**os.environ, "URL": service.url, "ID": job_id}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_call_of_the_readme_makes_a_job(service, folder):
    (make,) = commands(README)
    assert json.loads(run(make, folder, service))["object"] == "video"


def test_the_curl_lines_run_as_they_stand(service, folder):
    make, again, look, film, models, mistake = commands(API)
    job = json.loads(run(make, folder, service))
    assert job["object"] == "video"
    replay = run(again, folder, service)
    assert "Idempotent-Replayed: true" in replay
    assert job["id"] in replay
    for _ in range(200):
        job = json.loads(run(look, folder, service, job["id"]))
        if job["status"] == "completed":
            break
        time.sleep(0.3)
    run(film, folder, service, job["id"])
    assert (folder / "film.mp4").read_bytes()[4:8] == b"ftyp"
    assert json.loads(run(models, folder, service))["data"]
    problem = json.loads(run(mistake, folder, service))
    shown = json.loads(re.search(r"```json\n(.*?)```", API, re.DOTALL)[1])
    for body in (problem, shown):
        body["error"].pop("request_id")
        body.pop("instance")
    assert problem == shown


def test_the_pytest_fixture_of_the_papers_works(monkeypatch):
    monkeypatch.chdir(ROOT)
    source = re.search(r"```python\n(.*?)```", EMULATORS, re.DOTALL)[1]
    space = {}
    exec(source.replace('@pytest.fixture(scope="session")\n', ""), space)
    made = space["bucket"]()
    bucket = next(made)
    bucket.blob("a").upload_from_string("x")
    assert bucket.blob("a").download_as_bytes() == b"x"
    unsigned = f"{bucket.client._connection.API_BASE_URL}/my-bucket/a"
    assert requests.get(unsigned, timeout=5).status_code == 403
    next(made, None)
