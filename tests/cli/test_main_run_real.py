"""`infra/dev run --real`: a key of its own, shown once, without which nobody spends money."""

import os
import re
import subprocess
import sys

import pytest
import requests

from lib.cli.processes import Processes

PATIENCE_S = 120
FILM = {"first_frame": ("a", b"-"), "last_frame": ("b", b"-")}


@pytest.fixture
def upstream(tmp_path):
    """An emulated upstream in the place of the real one."""
    command = [sys.executable, "-m", "lib.emulator", "upstream", "--draft"]
    with Processes(tmp_path, os.environ) as running:
        yield running.lines_until_ready(running.start("upstream", command, {}, read=True))


def test_a_real_run_has_a_key_that_its_own_film_is_ordered_with(upstream):
    command = [sys.executable, "-u", "-m", "lib.cli", "run", "--real", "--yes"]
    environ = {**os.environ, **upstream}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as running:
        try:
            printed = ""
            while "Serving until Ctrl-C" not in printed:
                line = running.stdout.readline()
                assert line, printed
                printed += line
            printed += "".join(running.stdout.readline() for _ in range(3))
        finally:
            running.terminate()
            rest, _ = running.communicate(timeout=PATIENCE_S)
        printed += rest
    assert len(re.findall(r"ib_\S+", printed)) == 1
    assert "film" in printed
    assert "Authorization: Bearer $KEY" in printed
    assert "--key $KEY" in printed


def test_without_the_key_of_a_real_run_nothing_is_ordered(upstream):
    command = [sys.executable, "-u", "-m", "lib.cli", "run", "--real", "--yes"]
    environ = {**os.environ, **upstream}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as running:
        try:
            printed = ""
            while not (key := re.search(r"ib_\S+", printed)):
                line = running.stdout.readline()
                assert line, printed
                printed += line
            url = re.search(r"api\s+(http://\S+)", printed)[1]
            assert (
                requests.post(f"{url}/v1/videos", files=FILM, timeout=PATIENCE_S).status_code == 401
            )
            assert requests.get(f"{url}/v1/videos", timeout=PATIENCE_S).status_code == 401
            known = {"Authorization": f"Bearer {key[0]}"}
            assert requests.get(f"{url}/v1/videos", headers=known, timeout=PATIENCE_S).ok
        finally:
            running.terminate()
            running.communicate(timeout=PATIENCE_S)
