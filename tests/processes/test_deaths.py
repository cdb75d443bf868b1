"""A part that dies is named, and takes the rest of the local service down with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lib.cli.processes import consecutive_ports

ROOT = Path(__file__).resolve().parents[2]


def children(parent):
    """Pid to command line of what one process started, and of nobody else."""
    command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)]
    listed = subprocess.run(command, capture_output=True, text=True)
    rows = (line.strip().partition(" ") for line in listed.stdout.splitlines())
    return {int(pid): args for pid, _, args in rows if args}


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("name", "part"),
    [("emulator", "lib.emulator"), ("api", "--target api"), ("poll", "--target poll")],
)
def test_a_dead_part_is_named_and_nothing_stays(name, part):
    port = consecutive_ports(4)
    command = [sys.executable, "-m", "lib.cli", "run", "--draft", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "✓ job" in line:
                break
        below = children(process.pid)
        assert len(below) == 4  # the three parts, and the guard that outlives their parent
        (victim,) = [pid for pid, args in below.items() if part in args]
        workers = [pid for child in below for pid in children(child)]
        os.kill(victim, signal.SIGKILL)
        rest = process.stdout.read()
    assert process.returncode == 1
    assert f"✗ {name} ended with status -9" in rest
    assert [pid for pid in [*below, *workers] if alive(pid)] == []


def test_nothing_outlives_a_parent_that_was_killed():
    command = [
        sys.executable,
        "-m",
        "lib.cli",
        "run",
        "--draft",
        "--port",
        str(consecutive_ports(4)),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "✓ job" in line:
                break
        below = children(process.pid)
        workers = [pid for child in below for pid in children(child)]
        process.kill()
    deadline = time.monotonic() + 20
    while left := [pid for pid in [*below, *workers] if alive(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_reader_who_has_seen_enough_ends_the_run_without_a_traceback():
    line = f"{sys.executable} -m lib.cli run --port {consecutive_ports(4)} | head -2"
    ran = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.count("✓") == 2
    assert ran.stderr == ""
