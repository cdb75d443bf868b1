"""The lock is what is deployed: it fits requirements.txt, has a hash for every file, and is what is tested."""

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker

from infra import lock

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / lock.LOCK).read_text("utf-8")
DEPLOYED = ("3.11", "3.12", "3.13", "3.14")


def needed_here():
    return [one for one in lock.entries(TEXT) if not one.marker or Marker(one.marker).evaluate()]


def test_it_fits_what_people_pin():
    assert lock.broken(ROOT) == []
    pinned = lock.pins((ROOT / "requirements.txt").read_text())
    assert len(pinned) == 5
    assert pinned.items() <= {one.name: one.version for one in lock.entries(TEXT)}.items()


def test_nothing_floats_and_everything_has_its_hashes():
    found = lock.entries(TEXT)
    assert {"gunicorn", "urllib3", "werkzeug", "google-auth"} < {one.name for one in found}
    assert len({one.name for one in found}) == len(found) > 40
    assert all(one.hashes for one in found)


def test_the_tests_run_on_what_is_deployed():
    installed = {one.name: metadata.version(one.name) for one in needed_here()}
    assert installed == {one.name: one.version for one in needed_here()}


def test_the_buildpack_sees_that_the_framework_is_among_them():
    """Without a line that begins so it would install a set of its own, older one beside ours."""
    lines = [line for line in TEXT.splitlines() if line.startswith("functions-framework==")]
    assert len(lines) == 1


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "infra").mkdir()
    for name in ("requirements.txt", "infra/requirements-dev.txt", lock.LOCK, "infra/lock.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("requirements.txt", "requests==2.", "requests==1.", "requirements.txt has 1."),
        ("requirements.txt", "requests==", "requestz==", "requestz of requirements.txt is missing"),
        ("infra/requirements-dev.txt", "werkzeug==3.", "werkzeug==2.", "dev.txt has 2."),
        (lock.LOCK, "\nurllib3==", "\nurllib3>=", "'urllib3>="),
        (lock.LOCK, "--hash=sha256:", "--hash=md5:", "is not a pinned package with SHA-256"),
        (lock.LOCK, "\nurllib3==", "\n--index-url https://a.example\nurllib3==", "'--index-url"),
        (lock.LOCK, "\nurllib3==", "\ngit+https://a.example/b.git\nurllib3==", "'git+https"),
    ],
)
def test_what_does_not_fit_is_named(checkout, name, old, new, says):
    changed(checkout / name, old, new)
    command = [sys.executable, str(checkout / "infra/lock.py")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert "infra/dev lock" in ran.stderr


def test_a_package_without_hashes_is_named(checkout):
    lines = (checkout / lock.LOCK).read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("urllib3=="))
    version = lines[at].partition(" ")[0]
    hashes = [line for line in lines[at + 1 : at + 3] if "--hash" in line]
    left = [*lines[:at], version, *lines[at + 1 + len(hashes) :]]
    (checkout / lock.LOCK).write_text("\n".join(left))
    assert [version in sentence for sentence in lock.broken(checkout)] == [True]


def test_a_missing_lock_is_named(checkout):
    (checkout / lock.LOCK).unlink()
    (sentence,) = lock.broken(checkout)
    assert "infra/dev lock makes it" in sentence


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", DEPLOYED)
def test_every_python_that_can_be_deployed_finds_wheels_with_these_hashes(version, tmp_path):
    command = [
        *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"),
        *("--dry-run", "--ignore-installed", "--require-hashes", "--no-deps"),
        *("--only-binary", ":all:", "--python-version", version, "--implementation", "cp"),
        *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
        *("--target", str(tmp_path), "-r", str(ROOT / lock.LOCK)),
    ]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_file_with_another_hash_is_not_installed(checkout, tmp_path):
    entry = next(one for one in lock.entries(TEXT) if one.name == "idna")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"idna=={entry.version} --hash=sha256:{'0' * 64}\n")
    command = [
        *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--dry-run"),
        *("--ignore-installed", "--no-deps", "--target", str(tmp_path / "to"), "-r", str(wrong)),
    ]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "DO NOT MATCH THE HASHES" in ran.stderr
