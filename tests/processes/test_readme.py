"""The README tells the truth: its curl lines run, its table names every setting, its fixture works."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import requests
from skimage import data, io

from lib.cli import service as services
from lib.cli.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as running:
        yield services.start(running, draft=True)


def commands():
    block = re.search(r"```bash\n(.*?)```", README, re.DOTALL)[1]
    lines = [line for line in block.splitlines() if not line.startswith("#")]
    return [text.strip() for text in "\n".join(lines).split("\n\n") if text.strip()]


def run(command, folder, service, job_id=""):
    environ = {**os.environ, "URL": service.url, "ID": job_id}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_curl_lines_run_as_they_stand(service, tmp_path):
    io.imsave(tmp_path / "first.png", data.astronaut()[:400, :400])
    io.imsave(tmp_path / "last.png", data.astronaut()[20:380, 30:390])
    make, again, look, film, models, mistake = commands()
    job = json.loads(run(make, tmp_path, service))
    assert job["object"] == "video"
    replay = run(again, tmp_path, service)
    assert "Idempotent-Replayed: true" in replay
    assert job["id"] in replay
    for _ in range(100):
        job = json.loads(run(look, tmp_path, service, job["id"]))
        if job["status"] == "completed":
            break
        time.sleep(0.3)
    run(film, tmp_path, service, job["id"])
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    assert json.loads(run(models, tmp_path, service))["data"]
    problem = json.loads(run(mistake, tmp_path, service))
    shown = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])
    for body in (problem, shown):
        body["error"].pop("request_id")
        body.pop("instance")
    assert problem == shown


def test_every_setting_is_in_the_table():
    source = "".join(path.read_text() for path in (ROOT / "lib/config").glob("*.py"))
    names = set(re.findall(r'"([A-Z][A-Z_]{3,})"', source)) | {"AUTH"}
    table = README[README.index("## Configuration") : README.index("## What it costs")]
    assert [name for name in sorted(names) if f"`{name}`" not in table] == []


def test_the_pytest_fixture_of_the_readme_works(monkeypatch):
    monkeypatch.chdir(ROOT)
    emulators = README[README.index("## The emulators") :]
    source = re.search(r"```python\n(.*?)```", emulators, re.DOTALL)[1]
    space = {}
    exec(source.replace('@pytest.fixture(scope="session")\n', ""), space)
    made = space["bucket"]()
    bucket = next(made)
    bucket.blob("a").upload_from_string("x")
    assert bucket.blob("a").download_as_bytes() == b"x"
    unsigned = f"{bucket.client._connection.API_BASE_URL}/my-bucket/a"
    assert requests.get(unsigned, timeout=5).status_code == 403
    next(made, None)
