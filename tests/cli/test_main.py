"""`infra/dev run` and `submit`: what cannot be done ends with a status and says why; nothing is paid unasked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ran(*arguments, text="", **environ):
    clean = {name: value for name, value in os.environ.items() if "DASHSCOPE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "lib.cli", *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**clean, **environ},
        timeout=120,
    )


def test_a_picture_that_is_not_there_is_named():
    made = ran("submit", "/nowhere/first.png", "/nowhere/last.png", "--url", "http://127.0.0.1:9")
    assert (made.returncode, made.stderr) == (1, "")
    assert "/nowhere/first.png: No such file" in made.stdout


def test_the_real_upstream_needs_its_key():
    made = ran("run", "--real")
    assert made.returncode == 1
    assert "DASHSCOPE_API_KEY" in made.stdout


@pytest.mark.parametrize("said", ["n\n", "\n", "maybe\n"])
def test_the_price_is_said_and_only_a_yes_pays(said):
    made = ran("run", "--real", text=said, DASHSCOPE_API_KEY="sk-x", DASHSCOPE_REGION="beijing")
    assert made.returncode == 1
    assert "wan2.2-kf2v-flash at 720P in beijing: price 1.00 CNY" in made.stdout
    assert "nothing was sent, nothing was paid" in made.stdout
    assert "sk-x" not in made.stdout + made.stderr
