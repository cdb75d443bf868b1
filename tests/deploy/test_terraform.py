"""infra/terraform keeps its rules, and every mistake that we could think of breaks one of them."""

import json
import os
import re
import shutil
import subprocess

import pytest

from lib import config
from lib.core import limits as rules_of_limits
from tests.deploy import rules, settings
from tests.deploy.configuration import Configuration
from tests.deploy.conftest import one_line
from tests.deploy.faults import FAULTS, SHAPE

ROOT = rules.ROOT
# Settings of lib/config that a deployment leaves alone, and why.
NOT_OURS = {
    "ALLOWED_HOSTS": "counts with AUTH=off only",
    "AUTH": "refused outside the emulators",
    "DASHSCOPE_BASE_URL": "the region's own address is right",
    "EMULATOR_CLOCK_URL": "refused outside the emulators",
    "ID_TOKEN_CERTS_URL": "refused outside the emulators",
    "K_REVISION": "set by the platform",
    "K_SERVICE": "set by the platform",
    "SIGNING_KEY_FILE": "IAM signs; there is no key",
    "STORAGE_EMULATOR_HOST": "refused outside the emulators",
}
EVERYTHING = {
    "allowed_origins": ["https://a.example.com"],
    "first_look_s": 60,
    "frame_delivery": "upload",
    "id_token_audience": ["client"],
    "id_token_owners": {"ada": ["ada@example.com"]},
    "owner_limits": {
        "*": {"jobs_per_day": 50, "spend_per_day": "50.00 CNY", "unpriced_job": "4 CNY"},
        "ada": {"jobs_per_day": None},
    },
    "public_url": "https://films.example.com",
    "webhook_secret_version": "latest",
}


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
    found = rules.complaints(copy)
    assert found != []
    # That a rule stumbles is no sentence about the mistake.
    assert not all(sentence.startswith(rules.CANNOT) for sentence in found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('output "x" {\n  value = [\n', "more.tf: "),
        ("locals {\n  a = local.b\n  b = local.a\n}\n", "in a circle: local."),
        ('locals {\n  c = "${local.c}x"\n}\n', "in a circle: local.c"),
        (
            'output "x" {\n  value = google_storage_bucket.gone.name\n}\n',
            "bucket.gone is not there",
        ),
        ("locals {\n  bucket = 2\n}\n", "more.tf: locals: bucket is there already"),
        ('variable "name" {\n}\n', "variables.tf: variable: name is there already"),
    ],
)
def test_files_that_do_not_fit_together_are_told(copy, text, sentence):
    (copy / "more.tf").write_text(text)
    assert sentence in " ".join(rules.complaints(copy))


def test_a_default_outside_of_its_variables_rule_is_told(copy):
    path = copy / "variables.tf"
    path.write_text(path.read_text().replace("default     = 3600", "default     = 59"))
    assert "variable signed_url_ttl_s: 59 is not between 60 and 43200" in rules.complaints(copy)


def test_a_variable_of_which_no_refusal_is_shown_is_told(copy):
    path = copy / "tests/variables.tftest.hcl"
    path.write_text(path.read_text().replace("    var.outbox_days,\n", ""))
    (told,) = rules.complaints(copy)
    assert told.startswith("variable outbox_days: no test of Terraform's")


def test_a_dynamic_block_stands_among_its_kind_and_nothing_is_worked_out(tmp_path):
    (tmp_path / "main.tf").write_text(
        """
locals {
  days = 1 + 2 # worked out by nobody
}
resource "google_storage_bucket" "films" {
  name = "${var.name}-x"
  rule {
    age = local.days
  }
  dynamic "rule" {
    for_each = { k = 1 }
    content {
      age = rule.value
    }
  }
}
"""
    )
    found = Configuration(tmp_path)
    assert found.locals == {"days": "${1 + 2}"}
    bucket = found.resources["google_storage_bucket"]["films"]
    assert bucket["name"] == "${var.name}-x"
    assert bucket["rule"] == [
        {"age": "${local.days}"},
        {"age": "${rule.value}", "for_each": {"k": 1}},
    ]


def test_every_setting_of_the_service_can_be_given_or_is_named_as_not_ours():
    found = rules.configuration()
    one = settings.complete(found, **EVERYTHING)
    several = settings.complete(found, several_accounts=True)
    given = {name for of in (one, several) for function in of.values() for name in function}
    asked = settings.Asked(one["api"])
    config.parse(asked)
    several_asked = settings.Asked(several["poll"])
    config.parse(several_asked)
    assert (asked.names | several_asked.names) - given == set(NOT_OURS)
    read = config.parse(one["api"])
    assert read.id_token_owners == {"ada@example.com": "ada"}
    assert read.allowed_origins == ("https://a.example.com",)
    assert read.first_look_s == 60
    limits = rules_of_limits.parse(read.owner_limits, ["singapore"])
    assert limits["ada"].spend_per_day.amount == 50
    assert limits["ada"].jobs_per_day is None


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
    found = rules.configuration()
    assert tuple(rules.choices(found, variable) or rules.limits(found, variable)) == values
    for value in values:
        for name, told in settings.complete(found, **{variable: value}).items():
            assert config.parse(told).bucket, name


def test_prefixes_that_are_swept_or_kept_are_those_that_the_service_writes():
    written = set()
    for path in (ROOT / "lib/adapters").rglob("*.py"):
        written |= set(re.findall(r'"([a-z]+/)\{', path.read_text()))
    swept = set(rules.configuration().locals["sweep"])
    assert {"pending/", "jobs/", "videos/", "frames/"} <= written
    # What carries a job is never swept.
    assert written - swept == {"pending/", "gates/"}
    assert swept - written <= {"outbox/"}


def test_both_functions_get_the_webhook_secrets_once_they_have_a_version():
    found = rules.configuration()
    for given in settings.secrets(found, webhook_secret_version="7").values():
        assert given["WEBHOOK_SECRETS"] == ("inbetween-webhook", "7")
    for given in settings.secrets(found).values():
        assert "WEBHOOK_SECRETS" not in given


CHECKS = r"""
set -euo pipefail
root=$1
say() { printf '%s\n' "$*" >&2; }
step() { local name=$1; shift; "$@" && say "did $name"; }
eval "$(sed -n '/^check_terraform() {/,/^}/p; /^offline_terraform() {/,/^}/p; /^quiet() {/,/^}/p' "$root/infra/dev")"
cd "$root"
check_terraform
"""


def checks(root, **environ):
    command = ["bash", "-c", CHECKS, "checks", str(root)]
    kept = {name: value for name, value in os.environ.items() if name != "TERRAFORM_PROVIDER"}
    return subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True)


@pytest.fixture
def tools(tmp_path):
    """A PATH without terraform, to which a test may add one of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "sed", "env", "mktemp", "cat", "cp", "rm"):
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
    provided = checks(bare, PATH=str(tools), TERRAFORM_PROVIDER="env PROVIDED=1")
    assert "did terraform schema and tests, offline" in provided.stderr
    assert "left out" not in provided.stderr
    (bare / "infra/terraform/.terraform/providers").mkdir(parents=True)
    assert "did terraform validate" in checks(bare, PATH=str(tools)).stderr
    refused = checks(bare, PATH=str(tools), REFUSES="1")
    assert "asked: -chdir=infra/terraform fmt -check" in refused.stderr
    assert "did terraform fmt" not in refused.stderr


def asserts(function, wanted):
    """That Terraform comes to the same settings, in the words of its tests."""
    there = f"google_cloudfunctions2_function.{function}.service_config[0].environment_variables"
    text = json.dumps(wanted).replace("${", "$${")
    return f"""
  assert {{
    condition     = jsonencode({{ for name, value in {there} : name => value if name != "POLL_INVOKER" }}) == jsonencode({text})
    error_message = "{function} gets ${{jsonencode({there})}}"
  }}"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "given", [{}, EVERYTHING, {"several_accounts": True}], ids=["as it comes", "all", "several"]
)
def test_terraform_comes_to_the_settings_that_stand_in_the_list(copy, terraform, given):
    found = rules.configuration()
    text = "".join(
        asserts(name, {key: value for key, value in told.items() if key != "POLL_INVOKER"})
        for name, told in settings.environment(found, **given).items()
    )
    shutil.rmtree(copy / "tests")
    (copy / "tests").mkdir()
    variables = {**given, "project": settings.PROJECT, "source_zip": "versions.tf"}
    lines = "\n".join(f"    {name} = {json.dumps(value)}" for name, value in variables.items())
    (copy / "tests/settings.tftest.hcl").write_text(
        'mock_provider "google" {}\n\noverride_resource {\n'
        "  target          = google_storage_bucket.source\n  override_during = plan\n"
        f"  values          = {{ project_number = {settings.NUMBER} }}\n}}\n\n"
        f'run "settings" {{\n  command = plan\n'
        f"  variables {{\n{lines}\n  }}{text}\n}}\n"
    )
    ran = terraform.judge(copy)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


@pytest.mark.slow
@pytest.mark.long  # `infra/dev check` does it every time
def test_the_offline_check_accepts_what_is_there(copy, terraform):
    assert terraform.run(copy, "fmt", "-check", "-recursive").returncode == 0
    ran = terraform.judge(copy)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"Success! \d+ passed, 0 failed", ran.stdout)


SHAPES = {name: fault for name, fault in FAULTS.items() if fault.says == SHAPE}


@pytest.mark.long  # as below
@pytest.mark.parametrize("fault", SHAPES.values(), ids=SHAPES)
def test_the_schema_refuses_the_fault(copy, terraform, fault):
    plant(copy, fault)
    ran = terraform.judge(copy)
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
def test_terraforms_tests_tell_the_faults(copy, terraform, group):
    for name in group:
        plant(copy, FAULTS[name])
    ran = terraform.judge(copy)
    assert ran.returncode != 0
    told = one_line(f"{ran.stdout} {ran.stderr}")
    assert [name for name in group if FAULTS[name].says not in told] == []
