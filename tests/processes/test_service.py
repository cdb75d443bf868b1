"""The whole service as real processes: what a person runs, and what a machine that dies leaves."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from PIL import Image
from skimage import data

from lib.cli import job as jobs
from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports
from lib.cli.screen import Screen
from lib.emulator import film
from lib.emulator.samples import monster

ROOT = Path(__file__).resolve().parents[2]


def png(pixels, size):
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path / "logs", os.environ) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as running:
        yield services.start(running, draft=True)


def make(service, first, last, **fields):
    target = jobs.ServiceAddress(service.url)
    job = jobs.submit(target, jobs.FilmRequest(first, last, fields))
    return jobs.follow(target, job, Screen({}))


def facts(job, tmp_path):
    path = tmp_path / "film.mp4"
    jobs.download(job, path)
    return film.probe(path.read_bytes())


def expected(width, height):
    return {
        "codec": "h264",
        "pix_fmt": "yuv420p",
        "fps": 30.0,
        "frames": 150,
        "duration_s": 5.0,
        "audio": False,
        "faststart": True,
        "width": width,
        "height": height,
    }


def test_the_sample_becomes_a_film_of_the_promised_form(shared, tmp_path):
    job = make(shared, monster.first(), monster.last(), prompt="rain", resolution="480P")
    found = facts(job, tmp_path)
    wanted = expected(832, 464)
    assert {key: found[key] for key in wanted} == wanted
    assert job["size"] == "832x464"
    assert requests.get(job["url"] + "0", timeout=5).status_code == 403


def test_two_photographs_in_portrait_keep_the_guides_size(shared, tmp_path):
    first = png(data.astronaut()[:, 64:448], (750, 1000))
    last = png(data.astronaut()[40:424, 90:378], (750, 1000))
    found = facts(make(shared, first, last), tmp_path)
    wanted = expected(816, 1104)
    assert {key: found[key] for key in wanted} == wanted


def test_poll_killed_while_a_job_runs_loses_nothing_and_pays_once(processes):
    service = services.start(processes, draft=True)
    target = jobs.ServiceAddress(service.url)
    order = jobs.FilmRequest(monster.first(), monster.last(), {"resolution": "480P"})
    job = jobs.submit(target, order)
    processes.kill(service.poll)
    time.sleep(0.5)
    services.restart_poll(processes, service)
    assert jobs.follow(target, job, Screen({}))["status"] == "completed"
    upstream = f"http://127.0.0.1:{service.ports.storage + 1}/emulator/tasks"
    assert len(requests.get(upstream, timeout=5).json()["tasks"]) == 1
    listing = f"{service.emulator['STORAGE_EMULATOR_HOST']}/storage/v1/b/inbetween/o"
    names = [item["name"] for item in requests.get(listing, timeout=5).json()["items"]]
    assert len([name for name in names if name.startswith("videos/")]) == 1
    assert [name for name in names if name.startswith("pending/")] == []


def test_the_answer_of_a_crash_and_of_an_unknown_path_is_json_under_the_real_framework(shared):
    answer = requests.get(f"{shared.url}/nowhere", timeout=5)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert requests.request("BREW", f"{shared.url}/health", timeout=5).status_code == 405


@pytest.mark.parametrize("path", ["/v1/videos/a%0Ab", "/api/v1/nowhere/%0A", "/%0D%0A"])
def test_a_path_that_the_frameworks_routes_do_not_know_is_answered_by_ours(shared, path):
    answer = requests.get(shared.url + path, timeout=10)
    assert answer.status_code == 404
    assert "json" in answer.headers["Content-Type"]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", "/v1/videos", "/nowhere", "/api/v1/tasks/x"])
def test_an_offer_to_speak_another_protocol_is_passed_over(shared, path):
    # RFC 9110, section 7.8: a server may ignore Upgrade.
    offer = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    plain = requests.get(f"{shared.url}{path}", timeout=30)
    offered = requests.get(f"{shared.url}{path}", headers=offer, timeout=30)
    assert (offered.status_code, offered.headers["Content-Type"]) == (
        plain.status_code,
        plain.headers["Content-Type"],
    )


def test_an_event_ticks_as_well(processes, shared):
    port = consecutive_ports(1)
    command = [sys.executable, "-m", "functions_framework", "--target", "poll_event"]
    source = ["--source", str(ROOT / "main.py"), "--host", "127.0.0.1", "--port", str(port)]
    signature = ["--signature-type", "cloudevent"]
    started = processes.start("poll_event", [*command, *source, *signature], shared.environ)
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.scheduler.job.v1.executed",
        "ce-source": "//scheduler",
        "ce-id": "1",
        "Content-Type": "application/json",
    }
    url = f"http://127.0.0.1:{port}/"
    for _ in range(100):
        try:
            answer = requests.post(url, headers=headers, json={}, timeout=10)
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    assert answer.status_code == 200
    assert "tick.done" in started.log.read_text()


def test_submit_makes_a_film_of_any_two_files(shared, tmp_path):
    (tmp_path / "a.png").write_bytes(png(data.coffee(), (480, 360)))
    (tmp_path / "b.png").write_bytes(png(data.coffee()[40:, 60:], (480, 360)))
    command = [str(ROOT / "infra/dev"), "submit", "a.png", "b.png", "--prompt", "coffee"]
    options = ["--resolution", "480P", "--watermark", "--out", "made.mp4", "--url", shared.url]
    ran = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert film.probe((tmp_path / "made.mp4").read_bytes())["frames"] == 150
    missing = subprocess.run(
        [*command[:2], "no.png", "b.png"], cwd=tmp_path, capture_output=True, text=True
    )
    assert missing.returncode == 1
    assert "no.png: No such file" in missing.stdout


def running(marker):
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [
        line for line in listed.stdout.splitlines() if marker in line and "-eo args" not in line
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_no_process_behind(number):
    port = consecutive_ports(4)
    command = [sys.executable, "-m", "lib.cli", "run", "--draft", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "job" in line:
            break
    assert len(running(f"--port {port}")) >= 2  # ours and the api's: a check that sees them
    assert running(f"--port {port + 2}")
    process.send_signal(number)
    assert process.wait(timeout=30) == 130
    process.stdout.close()
    assert running(f"--port {port}") == running(f"--port {port + 2}") == []


def test_real_asks_for_a_key_and_before_paying_and_then_pays_once(shared):
    command = [sys.executable, "-m", "lib.cli", "run", "--once", "--real"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("DASHSCOPE")}
    nothing = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert nothing.returncode == 1
    assert "DASHSCOPE_API_KEY" in nothing.stdout
    upstream = f"http://127.0.0.1:{shared.ports.storage + 1}"
    environ |= {
        "DASHSCOPE_API_KEY": shared.environ["DASHSCOPE_API_KEY"],
        "DASHSCOPE_BASE_URL": shared.environ["DASHSCOPE_BASE_URL"],
    }

    def paid():
        return len(requests.get(f"{upstream}/emulator/tasks", timeout=5).json()["tasks"])

    before = paid()
    no = subprocess.run(command, cwd=ROOT, env=environ, input="n\n", capture_output=True, text=True)
    assert no.returncode == 1
    assert "nothing was paid" in no.stdout
    assert "not published" in no.stdout
    assert paid() == before
    yes = subprocess.run([*command, "--yes"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert yes.returncode == 0, yes.stdout
    assert "150 frames" in yes.stdout
    assert paid() == before + 1


def test_a_port_that_is_taken_is_named(processes, shared):
    with pytest.raises(Exception, match=r"ended|answer"):
        services.start(processes, port=shared.ports.storage - 2)
