"""The zip holds exactly the service, is the same bytes everywhere, and runs with nothing else."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile

import pathspec
import pytest
import requests
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from infra.deploy import package
from lib.cli import job as jobs
from lib.cli.processes import Processes, consecutive_ports
from lib.cli.screen import Screen
from lib.cli.service import EMAIL, signing_key
from lib.emulator import film
from lib.emulator.samples import monster
from lib.web.auth import new_key
from tests.deploy import rules, settings

ROOT = rules.ROOT
SCHEDULER = "scheduler@inbetween.iam.gserviceaccount.com"  # whom the emulated one plays


def test_the_list_is_the_service_and_nothing_else():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    there = {name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()}
    stays = ("lib/emulator/", "lib/cli/")
    service = {name for name in there if name.startswith("lib/") and not name.startswith(stays)}
    assert set(package.files(ROOT)) == {"main.py", "requirements.txt"} | service
    assert "lib/core/jobs/job.py" in service


def test_gcloud_would_send_the_same():
    lines = (ROOT / ".gcloudignore").read_text().splitlines()
    ignored = pathspec.PathSpec.from_lines("gitignore", lines)
    folders = [path for path in (ROOT / "lib").rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT).as_posix() for path in folders}
    names |= {path.name for path in ROOT.iterdir() if path.is_file()}
    assert {name for name in names if not ignored.match_file(name)} == set(package.files(ROOT))


def test_the_same_files_are_the_same_bytes_whenever_and_whoever(tmp_path):
    for name in (*package.files(ROOT), package.LOCK):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        copy.chmod(0o600)
        os.utime(copy, (1, 1))
    for junk in ("lib/.env", "lib/core/jobs/job.py~", "lib/__pycache__/job.pyc", "lib/cli/job.py"):
        (tmp_path / junk).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / junk).write_text("secret")
    assert package.build(tmp_path).sha256 == package.build(ROOT).sha256
    (tmp_path / "main.py").write_text("# another program\n")
    assert package.build(tmp_path).sha256 != package.build(ROOT).sha256


def test_every_entry_is_a_plain_readable_file_without_a_time():
    built = package.build(ROOT)
    with zipfile.ZipFile(io.BytesIO(built.content)) as archive:
        assert tuple(archive.namelist()) == built.files
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        for name in built.files:
            path = ROOT / (package.LOCK if name == "requirements.txt" else name)
            assert archive.read(name) == path.read_bytes()


def test_a_link_and_a_checkout_without_its_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"main\.py is missing"):
        package.build(tmp_path)
    for name in ("main.py", "requirements.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(FileNotFoundError, match="lib is missing"):
        package.build(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/config.py").symlink_to("/etc/hostname")
    with pytest.raises(ValueError, match="is a link"):
        package.build(tmp_path)
    (tmp_path / "lib/config.py").unlink()
    (tmp_path / "lib/config.py").write_text("")
    with pytest.raises(FileNotFoundError, match=r"requirements\.lock is missing"):
        package.build(tmp_path)


NAMES = st.from_regex(r"[a-z_.]{1,8}(/[a-z_.]{1,8}){0,2}", fullmatch=True)


@hypothesis_settings(deadline=None, max_examples=60)
@given(names=st.sets(NAMES, max_size=6))
def test_whatever_lies_in_lib_only_the_service_goes_up(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("checkout")
    for name in ("main.py", "requirements.txt", "lib/config.py", *(f"lib/{one}" for one in names)):
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        except OSError:
            continue  # two names want one place, or one is a folder of the system
    for name in package.files(root):
        parts = name.split("/")
        assert name in package.ALONE or parts[0] == "lib"
        assert not any(part.startswith(".") for part in parts)
        assert parts[1:2] not in (["emulator"], ["cli"])


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The zip in a folder of its own, with a Python that has its requirements only."""
    folder = tmp_path_factory.mktemp("cloud")
    path = package.build(ROOT).write(folder / "zips")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "workspace")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    needed = ["install", "--quiet", "--no-compile", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run([*pip, *needed], cwd=folder / "workspace", check=True, capture_output=True)
    return folder / "workspace", python


def clean(**more):
    """An environment without anything of this checkout."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **more}


def inside(unpacked, *arguments):
    folder, python = unpacked
    command = [str(python), *arguments]
    return subprocess.run(command, cwd=folder, env=clean(), capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_packages_fit_together_and_are_all_it_needs(unpacked):
    checked = inside(unpacked, "-m", "pip", "check", "--disable-pip-version-check")
    assert checked.returncode == 0, checked.stdout
    loaded = inside(unpacked, "-c", "import main, lib.wiring, lib.web.app, lib.core.media.frames")
    assert loaded.returncode == 0, loaded.stderr
    for stays in ("lib.emulator", "lib.cli", "pytest", "numpy", "cv2", "av"):
        assert "ModuleNotFoundError" in inside(unpacked, "-c", f"import {stays}").stderr


def deployed(secrets, **others):
    """What Terraform would set for each function, with the emulators' addresses in place of Google's."""
    found = rules.configuration()
    named = settings.secrets(found)
    return {
        name: {**told, **{key: secrets[key] for key in named[name]}, **others}
        for name, told in settings.environment(found).items()
    }


def play(running, storage, poll_url, public):
    """The emulators, from the checkout."""
    options = ["--port", str(storage), "--every", "0.5", "--poll-url", poll_url]
    command = [sys.executable, "-m", "lib.emulator", *options, "--signer", f"{EMAIL}={public}"]
    emulator = running.start("emulator", command, {"PYTHONPATH": str(ROOT)}, read=True)
    return running.lines_until_ready(emulator)


def serve(running, unpacked, name, port, told):
    """A function from the zip, under the real framework."""
    folder, python = unpacked
    what = ["-m", "functions_framework", "--target", name, "--source", str(folder / "main.py")]
    command = [str(python), *what, "--host", "127.0.0.1", "--port", str(port)]
    process = running.start(name, command, told)
    running.healthy(process, f"http://127.0.0.1:{port}/health")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_film_from_the_zip_with_the_settings_that_terraform_gives(unpacked, tmp_path):
    key, kept = new_key()
    first = consecutive_ports(4)
    api_url, poll_url = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}/"
    key_file, public = signing_key(tmp_path / "home")
    with Processes(tmp_path / "logs", clean()) as running:
        lines = play(running, first + 2, poll_url, public)
        told = deployed(
            {**lines, "OWNER_KEYS": json.dumps({"ada": [kept]})},
            **lines,
            SIGNING_KEY_FILE=str(key_file),
            ID_TOKEN_CERTS_URL=f"{lines['STORAGE_EMULATOR_HOST']}/emulator/certs",
            FIRST_LOOK_S="0.5",
        )
        told["poll"] |= {"POLL_AUDIENCE": poll_url, "POLL_INVOKER": SCHEDULER, "TICK_BUDGET_S": "3"}
        serve(running, unpacked, "api", first, told["api"])
        serve(running, unpacked, "poll", first + 1, told["poll"])
        assert requests.get(f"{api_url}/v1/videos/vid_0", timeout=5).status_code == 401
        assert requests.post(poll_url, timeout=5).status_code == 401
        service = jobs.ServiceAddress(api_url, key=key, watch=running.check)
        order = jobs.FilmRequest(
            monster.first(), monster.last(), {"resolution": "480P", "prompt": "rain"}
        )
        job = jobs.follow(service, jobs.submit(service, order), Screen({}))
        jobs.download(job, tmp_path / "film.mp4")
    probed = film.probe((tmp_path / "film.mp4").read_bytes())
    assert (probed["codec"], probed["frames"], probed["duration_s"]) == ("h264", 150, 5.0)
    assert re.match(r"http://127\.0\.0\.1:\d+/inbetween/videos/ada/", job["url"])
