"""Plain `fetch` from Node: forms with blobs, JSON with data URIs, cheap waiting, ranges."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.native_target import LOST
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent


@pytest.fixture
def node(native, tmp_path):
    """Runs a script beside two pictures; what it printed."""
    (tmp_path / "first.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "last.png").write_bytes(LAST_PICTURE)
    program = shutil.which("node")
    assert program, "this test needs Node: apt-get install nodejs npm"

    def run(script, **environ):
        known = {**os.environ, "URL": native.origin, "KEY": native.key, **environ}
        ran = subprocess.run(
            [program, HERE / script, "first.png", "last.png"],
            cwd=tmp_path,
            env=known,
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert ran.returncode == 0, ran.stderr
        return ran

    return run


@pytest.fixture
def tell(node):
    """What one story of `fetch_calls.mjs` prints."""
    return lambda story: json.loads(node("fetch_calls.mjs", STORY=story).stdout)


def test_the_example_makes_a_film_of_two_files(node, native, tmp_path):
    with native.time_passes():
        ran = node("fetch_example.mjs")
    assert ran.stdout.splitlines() == [
        "202 true in_progress",
        "completed 100 1104x816",
        "206 ftyp bytes 4-7",
        "video/mp4 false",
    ]
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    (task,) = native.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)


def test_json_with_data_uris(tell, native):
    assert tell("json") == [202, "video"]
    (task,) = native.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)


def test_a_refusal_is_a_problem_document(tell):
    assert tell("refused") == [
        "application/problem+json",
        "Invalid request",
        400,
        "invalid_request",
        "seconds",
    ]


def test_a_lost_answer_and_a_key(tell, native):
    native.storms = [LOST]
    assert tell("lost") == ["TypeError", 202, "true", 202]
    assert len(native.world.paid()) == 1


def test_a_film_that_is_not_there_yet(tell):
    assert tell("cut") == [409, "not_ready", "5"]


def test_nothing_new_is_told_in_no_bytes(tell):
    assert tell("unchanged") == [200, 304, 0]
