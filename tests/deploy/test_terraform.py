"""infra/terraform keeps its rules, and every mistake that we could think of breaks one of them."""

import os
import re
import shutil
import subprocess

import pytest

from lib import config
from tests.deploy import rules
from tests.deploy.faults import FAULTS, SHAPE

ROOT = rules.ROOT
OFFLINE = ROOT.parent / "shared/tools/terraform-check/check"
# Settings of lib/config.py that a deployment leaves alone, and why.
NOT_OURS = {
    "AUTH": "refused outside the emulators",
    "DASHSCOPE_BASE_URL": "the region's own address is right",
    "EMULATOR_CLOCK_URL": "refused outside the emulators",
    "ID_TOKEN_CERTS_URL": "refused outside the emulators",
    "K_REVISION": "set by the platform",
    "K_SERVICE": "set by the platform",
    "SIGNING_KEY_FILE": "IAM signs; there is no key",
    "STORAGE_EMULATOR_HOST": "refused outside the emulators",
}


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "terraform"
    shutil.copytree(
        rules.TERRAFORM, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
    )
    return folder


def plant(folder, fault):
    path = folder / fault.file
    text = path.read_text()
    assert fault.before in text, "the fault has nowhere to go: bring the table up to date"
    path.write_text(
        text.replace(fault.before, fault.after) if fault.before else f"{text}\n{fault.after}"
    )


def test_the_rules_hold():
    assert rules.complaints() == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(copy, fault):
    plant(copy, fault)
    assert rules.complaints(copy) != []


@pytest.mark.parametrize("name", rules.REFUSED)
def test_a_value_that_is_not_allowed_is_refused_by_name(name):
    (sentence,) = rules.model(**rules.refused(name)).refused()
    assert sentence.startswith((f"{name} must ", f"{name} and "))


def test_every_variable_refuses_something():
    blocks = rules.model().blocks("variable")
    open_ended = {
        name for name, block in blocks.items() if block.values["type"] == ("root", "bool")
    }
    assert set(rules.REFUSED) == set(blocks) - open_ended


def test_the_example_is_accepted(tmp_path):
    from infra.deploy.__main__ import main  # noqa: PLC0415 - the command, as a person calls it

    example = rules.TERRAFORM / "example.tfvars"
    assert main(["--project", "demo", "--dry-run", "--var-file", str(example)]) == 0
    wrong = tmp_path / "wrong.tfvars"
    wrong.write_text('colour = "blue"\n')
    assert main(["--project", "demo", "--dry-run", "--var-file", str(wrong)]) == 1


def environment(**given):
    found = rules.model(**given).resources("google_cloudfunctions2_function")
    services = {name: one["service_config"][0] for name, one in found.items()}
    return {
        name: {
            **one["environment_variables"],
            **{
                secret["key"]: rules.VALUE[secret["key"]]
                for secret in one["secret_environment_variables"]
            },
        }
        for name, one in services.items()
    }


def test_every_setting_of_the_service_can_be_given_or_is_named_as_not_ours():
    everything = {
        "allowed_origins": ["https://a.example.com"],
        "first_look_s": 60,
        "frame_delivery": "upload",
        "id_token_audience": ["client"],
        "id_token_owners": {"ada": ["ada@example.com"]},
        "owner_limits": {"*": {"jobs_per_day": 50}},
        "studio": True,
        "webhook_secret_version": "latest",
    }
    one, several = environment(**everything), environment(several_accounts=True)
    given = {name for of in (one, several) for function in of.values() for name in function}
    asked = rules.Asked(one["api"])
    config.parse(asked)
    several_asked = rules.Asked(several["poll"])
    config.parse(several_asked)
    assert (asked.names | several_asked.names) - given == set(NOT_OURS)
    read = config.parse(one["api"])
    assert read.id_token_owners == {"ada@example.com": "ada"}
    assert read.allowed_origins == ("https://a.example.com",)
    assert read.first_look_s == 60
    assert read.studio


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("signed_url_ttl_s", (60, 43200)),
        ("implicit_dedupe_s", (0, 3600)),
        ("first_look_s", (0, 3600)),
        ("dashscope_region", ("singapore", "beijing")),
        ("frame_delivery", ("", "link", "upload", "inline")),
    ],
)
def test_what_terraform_allows_the_service_takes(variable, values):
    for value in values:
        assert rules.model(**{variable: value}).refused() == []
        for name, settings in environment(**{variable: value}).items():
            assert config.parse(settings).bucket, name


def test_prefixes_that_are_swept_or_kept_are_those_that_the_service_writes():
    written = set()
    for path in (ROOT / "lib/adapters").glob("*.py"):
        written |= set(re.findall(r'"([a-z]+/)\{', path.read_text()))
    films = rules.model(videos_days=9, jobs_days=9).resources("google_storage_bucket")["films"]
    swept = {rule["condition"][0]["matches_prefix"][0] for rule in films["lifecycle_rule"]}
    assert {"pending/", "jobs/", "videos/", "frames/"} <= written
    # What carries a job is never swept.
    assert written - swept == {"pending/", "gates/"}
    assert swept - written <= {"outbox/"}


def test_both_functions_get_the_webhook_secrets_once_they_have_a_version():
    found = rules.model(webhook_secret_version="7").resources("google_cloudfunctions2_function")
    for function in found.values():
        given = function["service_config"][0]["secret_environment_variables"]
        (one,) = [secret for secret in given if secret["key"] == "WEBHOOK_SECRETS"]
        assert (one["secret"], one["version"]) == ("inbetween-webhook", "7")


def run(*command, **environ):
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True
    )


CHECKS = r"""
set -euo pipefail
root=$1
say() { printf '%s\n' "$*" >&2; }
step() { local name=$1; shift; "$@" && say "did $name"; }
eval "$(sed -n '/^check_terraform() {/,/^}/p; /^quiet() {/,/^}/p' "$root/infra/dev")"
cd "$root"
check_terraform
"""


def checks(root, **environ):
    command = ["bash", "-c", CHECKS, "checks", str(root)]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)


@pytest.fixture
def tools(tmp_path):
    """A PATH without terraform, to which a test may add one of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "sed", "env", "mktemp", "cat", "rm"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_what_a_machine_cannot_check_is_named(tools, tmp_path, copy):
    bare = tmp_path / "bare"
    (bare / "infra").mkdir(parents=True)
    shutil.copy(ROOT / "infra/dev", bare / "infra/dev")
    shutil.copytree(copy, bare / "infra/terraform")
    without = checks(bare, PATH=str(tools))
    assert without.returncode == 0
    assert (
        "left out: terraform fmt, validate and test (terraform is not installed)" in without.stderr
    )
    (tools / "terraform").write_text('#!/bin/sh\necho "asked: $*"\nexit ${REFUSES:-0}\n')
    (tools / "terraform").chmod(0o755)
    with_it = checks(bare, PATH=str(tools))
    assert "did terraform fmt" in with_it.stderr
    assert "validate" not in with_it.stderr
    assert "left out: the offline schema check" in with_it.stderr
    (bare / "infra/terraform/.terraform/providers").mkdir(parents=True)
    assert "did terraform validate" in checks(bare, PATH=str(tools)).stderr
    refused = checks(bare, PATH=str(tools), REFUSES="1")
    assert "asked: -chdir=infra/terraform fmt -check" in refused.stderr
    assert "did terraform fmt" not in refused.stderr


if OFFLINE.exists() and shutil.which("terraform"):

    def offline(folder):
        run("terraform", "fmt", "-recursive", str(folder))  # a fault is to be found for what it is
        return run(str(OFFLINE), str(folder))

    @pytest.mark.slow
    @pytest.mark.long  # `infra/dev check` does it every time
    def test_the_offline_check_accepts_what_is_there():
        ran = run(str(OFFLINE), str(rules.TERRAFORM))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert re.search(r"Success! \d+ passed, 0 failed", ran.stdout)

    SHAPES = {name: fault for name, fault in FAULTS.items() if fault.says == SHAPE}

    @pytest.mark.long  # as below
    @pytest.mark.parametrize("fault", SHAPES.values(), ids=SHAPES)
    def test_the_schema_refuses_the_fault(copy, fault):
        plant(copy, fault)
        ran = offline(copy)
        assert ran.returncode != 0
        assert "tests/" not in ran.stdout  # refused before any test ran

    def together():
        """Mistakes that neither touch one line nor are told by one sentence, in few groups."""
        groups = []
        for name, fault in FAULTS.items():
            if not fault.says or fault.says == SHAPE:
                continue
            for group in groups:
                others = [FAULTS[other] for other in group]
                said = {other.says for other in others}
                if not (fault.alone or others[0].alone or fault.says in said):
                    group.append(name)
                    break
            else:
                groups.append([name])
        return groups

    @pytest.mark.long  # a minute; the tests above judge the same faults in Python
    @pytest.mark.parametrize("group", together(), ids=lambda group: f"{group[0]}+{len(group) - 1}")
    def test_terraforms_tests_tell_the_faults(copy, group):
        for name in group:
            plant(copy, FAULTS[name])
        ran = offline(copy)
        assert ran.returncode != 0
        told = " ".join(f"{ran.stdout} {ran.stderr}".split())
        assert [name for name in group if FAULTS[name].says not in told] == []
