"""The service of this process: built on first use, from the environment alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.web.test_auth_tokens import CREDENTIALS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", ["api", "poll"])
def test_a_process_with_an_empty_environment_opens_nothing(target, tmp_path):
    """The real functions-framework: it starts, and answers nobody but with an error."""
    from lib.cli.processes import consecutive_ports  # only here

    port = consecutive_ports(1)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "functions_framework", "--target", target),
            *("--source", str(ROOT / "main.py"), "--host", "127.0.0.1", "--port", str(port)),
        ],
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for headers in (CREDENTIALS["none"], CREDENTIALS["a key"], CREDENTIALS["a token"]):
            for method, path in (("GET", "/v1/videos"), ("POST", "/v1/videos"), ("POST", "/")):
                answer = patient(method, f"http://127.0.0.1:{port}{path}", headers)
                assert answer.status_code == 500
    finally:
        process.terminate()
        process.wait(10)


def patient(method, url, headers):
    deadline = time.monotonic() + 30
    while True:
        try:
            return requests.request(method, url, headers=headers, timeout=10)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
