"""infra/dev says what is wrong with a machine, and records no success that was none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "infra").mkdir()
    lock = ("infra/lock.py", "infra/requirements.lock")
    for name in ("infra/dev", "infra/requirements-dev.txt", "requirements.txt", *lock):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def dev(project, *arguments, **environ):
    command = [str(project / "infra/dev"), *arguments]
    return subprocess.run(
        command, cwd="/", env={**os.environ, **environ}, capture_output=True, text=True
    )


def test_a_failed_installation_is_told_and_not_recorded(project):
    ran = dev(project, "check", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(project))
    assert ran.returncode == 3
    assert "No matching distribution" in ran.stderr
    assert not (project / ".venv/.dev").exists()


def test_an_unknown_command_is_answered_with_the_known_ones(project):
    ran = dev(project, "dance")
    assert ran.returncode == 2
    assert "unknown command 'dance'" in ran.stderr
    assert "infra/dev COMMAND" in ran.stderr


def test_doctor_changes_nothing_and_prints_no_key(project):
    ran = dev(project, "doctor", DASHSCOPE_API_KEY="sk-hush")
    assert ran.returncode == 0
    assert "DASHSCOPE_API_KEY is set" in ran.stderr
    assert "sk-hush" not in ran.stdout + ran.stderr
    assert not (project / ".venv").exists()
