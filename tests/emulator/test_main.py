"""`python -m lib.emulator`: lines to export, `ready`, a clean end; and what it says when it cannot."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "lib.emulator"]


@contextlib.contextmanager
def running(*arguments):
    """The process and the lines that it printed before `ready`."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        lines = {}
        for text in iter(process.stdout.readline, "ready\n"):
            assert text, process.stderr.read()
            name, _, value = text.strip().partition("=")
            lines[name] = value
        yield process, lines
    finally:
        process.kill()
        process.communicate()


def ended(process, number, seconds=5.0):
    process.send_signal(number)
    begun = time.monotonic()
    assert process.wait(seconds) == 0
    return time.monotonic() - begun


def free_pair():
    """Two free ports side by side."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def get(url, **options):
    with requests.Session() as web:
        web.trust_env = False
        return web.get(url, timeout=10, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_everything_in_one_process(number):
    with running() as (process, lines):
        assert set(lines) == {
            *("STORAGE_EMULATOR_HOST", "BUCKET", "EMULATOR_CLOCK_URL"),
            *("DASHSCOPE_BASE_URL", "DASHSCOPE_REGION", "DASHSCOPE_API_KEY"),
        }
        bucket = f"{lines['STORAGE_EMULATOR_HOST']}/storage/v1/b/{lines['BUCKET']}"
        assert get(bucket).status_code == 200
        key = {"Authorization": f"Bearer {lines['DASHSCOPE_API_KEY']}"}
        assert get(f"{lines['DASHSCOPE_BASE_URL']}/tasks", headers=key).json()["total"] == 0
        assert lines["DASHSCOPE_REGION"] == "singapore"
        assert ended(process, number) < 2


def test_ports_side_by_side_and_the_data_stays(tmp_path):
    port = free_pair()
    for expected in (404, 200):
        with running("--port", str(port), "--data", str(tmp_path)) as (process, lines):
            storage = lines["STORAGE_EMULATOR_HOST"]
            assert storage == f"http://127.0.0.1:{port}"
            assert lines["DASHSCOPE_BASE_URL"] == f"http://127.0.0.1:{port + 1}/singapore/api/v1"
            assert get(f"{storage}/storage/v1/b/inbetween/o/kept").status_code == expected
            url = f"{storage}/upload/storage/v1/b/inbetween/o?uploadType=media&name=kept"
            assert requests.post(url, data=b"x", timeout=10).status_code == 200
            ended(process, signal.SIGTERM)


def test_storage_alone(tmp_path):
    public = tmp_path / "public.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_bytes(serialization.Encoding.PEM, form))
    arguments = ["--signer", f"me@p.iam.gserviceaccount.com={public}", "--bucket", "mine"]
    with running("storage", *arguments) as (process, lines):
        assert set(lines) == {"STORAGE_EMULATOR_HOST", "EMULATOR_CLOCK_URL"}
        assert get(f"{lines['STORAGE_EMULATOR_HOST']}/storage/v1/b/mine").status_code == 200
        assert get(lines["EMULATOR_CLOCK_URL"]).json()["now"] > 1.7e9
        ended(process, signal.SIGTERM)


def test_upstream_alone_with_keys_of_its_own():
    keys = ["--key", "beijing=sk-a", "--key", "beijing=other:sk-b", "--key", "singapore=sk-c"]
    with running("upstream", *keys, "--overflow", "queue", "--list-lag", "5") as (process, lines):
        assert (lines["DASHSCOPE_REGION"], lines["DASHSCOPE_API_KEY"]) == ("beijing", "sk-a")
        assert lines["DASHSCOPE_BASE_URL"] == lines["DASHSCOPE_BASE_URL_BEIJING"]
        for name, key in (("BEIJING", "sk-a"), ("BEIJING", "sk-b"), ("SINGAPORE", "sk-c")):
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{lines[f'DASHSCOPE_BASE_URL_{name}']}/tasks"
            assert get(url, headers=headers).status_code == 200
        control = lines["EMULATOR_CLOCK_URL"].removesuffix("/clock")
        settings = get(f"{control}/settings").json()
        assert settings == {"overflow": "queue", "bad_frame": "fail", "list_lag_s": 5.0}
        ended(process, signal.SIGINT)


CANNOT = {
    "an unknown region": (["upstream", "--key", "mars=sk-a"], "mars"),
    "a key without a region": (["upstream", "--key", "sk-a"], "NAME=VALUE"),
    "a signer without a file": (["storage", "--signer", "a@b=/nowhere.pem"], "nowhere"),
    "a port below 0": (["upstream", "--port", "-1"], "port"),
}


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_start_says_why(case):
    arguments, word = CANNOT[case]
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout


@pytest.mark.parametrize("part", [[], ["storage"], ["upstream"]])
def test_a_port_that_is_taken_is_an_error(part):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, *part, "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert done.returncode == 2
    assert "cannot start" in done.stderr


def test_it_starts_in_under_a_second():
    """By the processor's time, which a busy machine does not stretch as it stretches the wall's."""
    with running() as (process, _lines):
        process.send_signal(signal.SIGTERM)
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert used.ru_utime + used.ru_stime < 1.0


def test_a_half_made_film_keeps_nothing_alive(tmp_path):
    import base64  # for one frame
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.effect_noise((1280, 720), 90).convert("RGB").save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    with running("upstream") as (process, lines):
        answer = requests.post(
            f"{lines['DASHSCOPE_BASE_URL']}/services/aigc/image2video/video-synthesis",
            headers={
                "Authorization": f"Bearer {lines['DASHSCOPE_API_KEY']}",
                "X-DashScope-Async": "enable",
            },
            json={
                "model": "wan2.2-kf2v-flash",
                "input": {"first_frame_url": url, "last_frame_url": url},
            },
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        time.sleep(0.5)
        headers = {"Authorization": f"Bearer {lines['DASHSCOPE_API_KEY']}"}
        task_id = answer.json()["output"]["task_id"]
        said = get(f"{lines['DASHSCOPE_BASE_URL']}/tasks/{task_id}", headers=headers).json()
        assert said["output"]["task_status"] == "RUNNING"
        assert ended(process, signal.SIGTERM) < 2
