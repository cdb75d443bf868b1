"""httpx as Python programs use it: the example runs, in good and in bad weather."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.native_target import BROKEN, LOST, REFUSED
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = pytest.mark.clients

EXAMPLE = Path(__file__).with_name("httpx_example.py")


@pytest.fixture
def example(native, tmp_path):
    """Runs the example beside two pictures."""
    (tmp_path / "first.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "last.png").write_bytes(LAST_PICTURE)

    def run(first="first.png", key=native.key):
        with native.time_passes():
            return subprocess.run(
                [sys.executable, EXAMPLE, first, "last.png"],
                cwd=tmp_path,
                env={**os.environ, "URL": native.origin, "KEY": key},
                capture_output=True,
                text=True,
                timeout=50,
            )

    return run


@pytest.mark.parametrize(
    "storms", [(), (LOST,), (REFUSED, LOST, BROKEN)], ids=lambda storms: "-".join(storms) or "calm"
)
def test_the_example_makes_three_films_and_pays_for_three(example, native, tmp_path, storms):
    native.storms = list(storms)
    ran = example()
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["1104x816", "['completed', 'completed']"]
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    frames = [(task.film.first, task.film.last) for task in native.world.paid()]
    assert frames[0] == (FIRST_PICTURE, LAST_PICTURE)
    assert len(frames) == 3


def test_a_refusal_ends_it_with_our_words(example, tmp_path):
    (tmp_path / "text.png").write_bytes(b"this is no picture")
    ran = example("text.png")
    assert ran.returncode == 1
    assert "RuntimeError: first_frame: " in ran.stderr


def test_a_wrong_key_ends_it_with_our_words(example, native):
    ran = example(key="sk-wrong")
    assert ran.returncode == 1
    assert "RuntimeError: " in ran.stderr
    assert native.world.paid() == []
