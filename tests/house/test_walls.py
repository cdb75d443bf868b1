"""The walls hold: planted violations of every contract are found, and the upload list is exact."""

import ast
import shutil
import subprocess
import sys
from collections import Counter
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


# Modules: where their tests are


# A module that behaves and has no test of its name, with what stands for one.
WITHOUT_A_TEST = {
    "lib/emulator/film/make_mask.py": "drew watermark.png once, with a font that is not ours to ship; test_watermark.py looks at what it drew",
}
# Test files in a mirrored folder that are named for what they are about: it goes through many modules.
THEMATIC = {
    "tests/core/test_one_place.py": "no constant of the whole lib stands twice",
    "tests/core/protocol/test_protocol_constants.py": "constants of several modules that the proof is for",
    "tests/core/protocol/test_protocol_times.py": "the same for its times, and their order",
    "tests/emulator/upstream/test_protocol.py": "the public documents from beginning to end, rule by rule",
    "tests/emulator/test_hostile_input.py": "hostile values in every field of every emulator",
    "tests/flows/test_found_by_strangers.py": "what testers broke, each as they told it",
    "tests/flows/test_lifetime.py": "a job from POST to its end",
    "tests/flows/test_rollback.py": "two revisions at one bucket",
    "tests/flows/test_stored_before_families.py": "a bucket of an earlier revision, answered as then",
    "tests/web/test_access.py": "who may call what, over the whole service",
    "tests/web/test_bad_input.py": "one table of bad requests, whoever refuses them",
    "tests/web/test_growth.py": "what each reader of something from outside costs",
    "tests/web/test_hostile_numbers.py": "hostile values in every field of every call",
    "tests/web/test_picture_privacy.py": "one photograph by every way in and every way on",
    "tests/web/test_signer_down.py": "every call while nobody signs links",
    "tests/web/test_signer_trouble.py": "every call while the signer is in trouble of some kind",
    "tests/web/test_strangers_cost.py": "every call by callers whom nobody knows",
    "tests/web/test_tenants.py": "every call by everybody",
}


def behaves(module):
    """Whether a module does something: names, tables and plain types alone need no test."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(module.read_text("utf-8"))))


def name_in_tests(module):
    """The name under which a module is tested: of `__init__` its package's, of `__main__` main."""
    return {"__init__": module.parent.name, "__main__": "main"}.get(module.stem, module.stem)


def mirrored(root):
    """Every folder of lib with the folder of its tests."""
    folders = {module.parent for module in (root / "lib").rglob("*.py")}
    return {folder: root / "tests" / folder.relative_to(root / "lib") for folder in folders}


def about(test, module):
    name = name_in_tests(module)
    return test.stem == f"test_{name}" or test.stem.startswith(f"test_{name}_")


def modules(root):
    """Every module that behaves, from the root, with whether it has a test of its name."""
    return {
        module.relative_to(root).as_posix(): any(
            about(test, module) for test in tests.glob("test_*.py")
        )
        for folder, tests in mirrored(root).items()
        for module in folder.glob("*.py")
        if behaves(module)
    }


def strays(root):
    """Every test file beside those of a folder's modules that names none of them."""
    return {
        test.relative_to(root).as_posix()
        for folder, tests in mirrored(root).items()
        for test in tests.glob("test_*.py")
        if not any(
            about(test, module)
            for module in folder.glob("*.py")
            if module.stem != "__init__" or behaves(module)
        )
    }


MODULES = modules(ROOT)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_is_tested_under_its_name_or_says_why_not(module):
    assert MODULES[module] != (module in WITHOUT_A_TEST), WITHOUT_A_TEST.get(module)


def test_a_test_names_its_module_or_says_what_it_goes_through():
    assert strays(ROOT) == set(THEMATIC)


def test_what_is_listed_is_there_and_has_its_reason():
    assert WITHOUT_A_TEST.keys() <= MODULES.keys()
    assert len(WITHOUT_A_TEST) <= 15
    assert all(
        len(reason.split()) >= 4 for reason in [*WITHOUT_A_TEST.values(), *THEMATIC.values()]
    )


def test_a_module_without_a_test_and_a_test_without_a_module_are_found(tmp_path):
    planted = {
        "lib/logs.py": "def log(): ...", "tests/test_logs_form.py": "",
        "lib/core/times.py": "DAY_S = 86400",
        "lib/core/job.py": "def read(): ...", "tests/core/test_jobs.py": "",
        "lib/config/__init__.py": "def parse(): ...", "tests/config/test_config.py": "",
        "lib/cli/__main__.py": "def main(): ...", "tests/cli/test_main.py": "",
    }  # fmt: skip
    for name, text in planted.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert {name for name, tested in modules(tmp_path).items() if not tested} == {"lib/core/job.py"}
    assert strays(tmp_path) == {"tests/core/test_jobs.py"}


def test_every_class_has_a_name_of_its_own():
    names = Counter(
        node.name
        for path in (ROOT / "lib").rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert len(names) > 200
    assert [name for name, times in names.items() if times > 1] == []
