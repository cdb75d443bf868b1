"""The module of the page on a local frontend, as it stands there, run by Node instead of Vite."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = pytest.mark.clients

PAGE = Path(__file__).parents[2] / "infra/docs/local-frontend.md"
USER = """
import { readFile } from 'node:fs/promises';
import { create, follow } from './client.mjs';
const file = async name => new Blob([await readFile(name)], { type: 'image/png' });
const shown = new Set();
const job = await create(await file('first.png'), await file('last.png'), 'The cat looks up');
const end = await follow(job, now => shown.add(now.status));
console.log([...shown].join(), end.status, end.url.startsWith('http'));
await create(await file('first.png'), await file('small.png'), 'x').catch(error => console.log(error.message));
"""


def test_its_module_makes_a_film_and_tells_a_refusal(native, tmp_path):
    program = shutil.which("node")
    assert program, "this test needs Node: apt-get install nodejs npm"
    module = re.search(r"```js\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    # Vite puts its variables there when it serves a page.
    (tmp_path / "client.mjs").write_text(module.replace("import.meta.env", "process.env"))
    (tmp_path / "user.mjs").write_text(USER)
    (tmp_path / "first.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "last.png").write_bytes(LAST_PICTURE)
    (tmp_path / "small.png").write_bytes(b"no picture")
    environ = {**os.environ, "VITE_API": native.origin, "VITE_KEY": native.key}
    with native.time_passes():
        ran = subprocess.run(
            [program, "user.mjs"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=50,
        )
    assert ran.returncode == 0, ran.stderr
    film, refusal = ran.stdout.splitlines()
    assert film == "in_progress completed true"
    assert refusal.startswith("last_frame: ")
    assert len(native.world.paid()) == 1
