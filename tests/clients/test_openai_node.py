"""openai's package for Node: create with two files, retrieve, download, a refusal, delete."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.sdks import STORE
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).with_name("openai_node.mjs")


def test_a_film_from_two_streams(native, tmp_path):
    (tmp_path / "first.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "last.png").write_bytes(LAST_PICTURE)
    program = shutil.which("node")
    assert program, "this test needs Node: apt-get install nodejs npm"
    known = {"URL": native.origin, "KEY": native.key, "PACKAGES": str(STORE / "node")}
    with native.time_passes():
        ran = subprocess.run(
            [program, SCRIPT, "first.png", "last.png"],
            cwd=tmp_path,
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            timeout=50,
        )
    assert ran.returncode == 0, ran.stderr
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        ["video", "5", "1104x816"],
        ["completed", 100],
        ["BadRequestError", "invalid_request", "seconds"],
        True,
    ]
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
    (task,) = native.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)
