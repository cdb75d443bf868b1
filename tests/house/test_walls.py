"""The walls hold: planted violations of every contract are found, and the upload list is exact."""

import shutil
import subprocess
import sys
from pathlib import Path

import pathspec
import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {
    "upwards": ("lib/core/errors.py", "import lib.flows.context", "Arrows run downhill"),
    "web-to-wiring": ("lib/web/body.py", "import lib.wiring", "Arrows run downhill"),
    "unplaced": ("lib/helpers.py", "", "Arrows run downhill"),
    "neighbours": (
        "lib/adapters/state/jobs.py",
        "import lib.adapters.dashscope",
        "Adapters do not know",
    ),
    "from-one-object-to-the-upstream": (
        "lib/adapters/state/outbox.py",
        "import lib.adapters.dashscope",
        "Adapters do not know",
    ),
    "up-from-the-bucket": (
        "lib/adapters/bucket/client.py",
        "import lib.adapters.state.jobs",
        "Adapters do not know",
    ),
    "the-upstream-in-the-bucket": (
        "lib/adapters/dashscope/client.py",
        "import lib.adapters.bucket.client",
        "Only state and files know the bucket",
    ),
    "unplaced-adapter": ("lib/adapters/helpers.py", "", "Adapters do not know"),
    "one-object-to-another": (
        "lib/adapters/state/outbox.py",
        "import lib.adapters.state.ledger",
        "State objects do not know each other",
    ),
    "a-film-to-its-signer": (
        "lib/adapters/files/artifacts.py",
        "import lib.adapters.files.signing",
        "Frames and films do not know",
    ),
    "up-from-a-deadline": (
        "lib/adapters/outbound/deadline.py",
        "import lib.adapters.outbound.fetch",
        "Outbound:",
    ),
    "a-task-to-a-request": (
        "lib/flows/tasks/send.py",
        "import lib.flows.requests.cancel",
        "Flows:",
    ),
    "unplaced-flow": ("lib/flows/helpers.py", "", "Flows:"),
    "an-ending-to-its-poll": (
        "lib/flows/tasks/finish.py",
        "import lib.flows.tasks.poll",
        "Tasks:",
    ),
    "admission-to-its-user": (
        "lib/flows/requests/admit.py",
        "import lib.flows.requests.submit",
        "Requests:",
    ),
    "unplaced-task": ("lib/flows/tasks/helpers.py", "", "Tasks:"),
    "sending-to-its-log": (
        "lib/flows/webhooks/send.py",
        "import lib.flows.webhooks.log",
        "Webhooks:",
    ),
    "a-connection-to-its-client": (
        "lib/adapters/dashscope/connection.py",
        "import lib.adapters.dashscope.client",
        "DashScope:",
    ),
    "redaction-to-core": ("lib/redaction.py", "import lib.core.errors", "know nobody"),
    "a-part-to-the-suite": (
        "lib/emulator/storage/app.py",
        "import lib.emulator.suite",
        "The emulators' arrows",
    ),
    "one-emulator-to-the-other": (
        "lib/emulator/upstream/app.py",
        "import lib.emulator.storage.app",
        "The emulators' arrows",
    ),
    "the-storage-s-model-to-a-handler": (
        "lib/emulator/storage/model/store.py",
        "import lib.emulator.storage.listing",
        "The emulated storage:",
    ),
    "one-dialect-to-the-other": (
        "lib/web/compat/app.py",
        "import lib.web.native.query",
        "Web:",
    ),
    "a-route-to-the-table": ("lib/web/route.py", "import lib.web.routes", "Web:"),
    "a-dialect-to-the-contract": (
        "lib/web/native/videos.py",
        "import lib.web.contract.shapes",
        "Web:",
    ),
    "the-tick-to-the-app": ("lib/web/poll.py", "import lib.web.app", "Web:"),
    "unplaced-in-web": ("lib/web/helpers.py", "", "Web:"),
    "one-call-to-another": (
        "lib/web/native/uploads.py",
        "import lib.web.native.videos",
        "Native calls do not know each other",
    ),
    "a-dialect-to-its-app": ("lib/web/compat/dialect.py", "import lib.web.compat.app", "Compat:"),
    "openapi-to-its-page": (
        "lib/web/contract/openapi.py",
        "import lib.web.contract.page",
        "The contract:",
    ),
    "core-io": ("lib/core/jobs/job.py", "import os", "Core does no I/O"),
    "core-http": ("lib/core/jobs/job.py", "import requests", "Core does no I/O"),
    "leaf": ("lib/config/values.py", "import lib.core.jobs.job", "Config and logs are leaves"),
    "emulator-in-service": (
        "lib/wiring/runtime.py",
        "import lib.emulator.clock",
        "Only cli and tests",
    ),
    "service-in-emulator": ("lib/emulator/clock.py", "import lib.core.jobs.job", "share no code"),
    "client-in-emulator": ("lib/emulator/clock.py", "import google.cloud.storage", "share no code"),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "lib", copy / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def lint(house):
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]
    return subprocess.run(
        command, cwd=house, capture_output=True, text=True, env={"PYTHONPATH": str(house)}
    )


def test_the_contracts_hold_today(house):
    assert lint(house).returncode == 0


@pytest.mark.parametrize("row", PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_found(house, row):
    name, line, contract = row
    path = house / name
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        found = lint(house)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert found.returncode == 1
    broken = [text for text in found.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(text.startswith(contract) or contract in text for text in broken)


def tracked():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def test_exactly_the_service_goes_up():
    spec = pathspec.PathSpec.from_lines(
        "gitignore", (ROOT / ".gcloudignore").read_text().splitlines()
    )
    goes_up = {name for name in tracked() if not spec.match_file(name)}
    service = {
        name
        for name in tracked()
        if name.startswith("lib/") and not name.startswith(("lib/emulator/", "lib/cli"))
    }
    assert goes_up == {"main.py", "requirements.txt"} | service
    assert "lib/core/jobs/job.py" in goes_up


def test_git_does_not_swallow_the_source():
    ignored = subprocess.run(
        ["git", "check-ignore", "lib/core/new.py"], cwd=ROOT, capture_output=True
    )
    assert ignored.returncode == 1


def test_importing_main_builds_nothing_and_loads_nothing_heavy():
    heavy = ("google.cloud.storage", "requests", "PIL", "pydantic", "cv2", "lib.wiring")
    code = f"import main, sys; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_service_needs_no_more_than_the_runtime_requirements():
    names = {
        line.split("==")[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    assert names == {
        "functions-framework",
        "google-cloud-storage",
        "requests",
        "pydantic",
        "pillow",
    }


def test_lib_is_ours_under_the_real_framework():
    code = (
        "from functions_framework import create_app; create_app('api', 'main.py');"
        "import lib, pathlib; print(pathlib.Path(lib.__file__).parent)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.strip() == str(ROOT / "lib"), ran.stderr


def test_the_house_rules_find_what_they_name(tmp_path):
    sys.path.insert(0, str(ROOT / "infra"))
    import house as rules  # a script beside infra/dev

    sys.path.pop(0)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "lib").mkdir()
    (tmp_path / "infra").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "requirements.txt").write_text("requests\n")
    (tmp_path / "infra/requirements-dev.txt").write_text("-r ../requirements.txt\npytest==1\n")
    long = "def f():\n" + "    x = 1\n" * 60
    (tmp_path / "lib/a.py").write_text("import os\nHOME = os.environ\n" + long + "\n" * 400)
    found = "\n".join(rules.broken(tmp_path))
    for word in ("notes.txt", "os.environ", "f has", "a module has", "'requests' is not pinned"):
        assert word in found


def test_the_tests_of_a_family_stand_in_its_folder():
    families = {
        path.parent.relative_to(ROOT / "lib")
        for ring in ("core", "adapters", "flows", "web")
        for path in (ROOT / "lib" / ring).rglob("*.py")
    }
    found = {family for family in families if any((ROOT / "tests" / family).glob("test_*.py"))}
    assert families - found == set()
