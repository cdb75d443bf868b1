"""`infra/dev deploy`: the plan without an account or Terraform, and what a real run calls in what order."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import rules

ROOT = rules.ROOT
# Says what it was asked, and ends as it is told; the real one needs an account to do anything.
STAND_IN = """#!/bin/sh
echo "terraform $*" >> "$ASKED"
echo "data $TF_DATA_DIR" >> "$ASKED"
case "$*" in *" $FAILS "*) exit 7;; esac
"""


@pytest.fixture
def project(tmp_path):
    """A checkout of its own, so that a real run leaves nothing in ours."""
    ignored = shutil.ignore_patterns("__pycache__", ".terraform*", "*.tfstate*", "*.auto.tfvars")
    root = tmp_path / "checkout"
    for name in ("lib", "infra/deploy", "infra/terraform"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("main.py", "requirements.txt", "infra/dev"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def machine(tmp_path):
    """A PATH with what infra/dev needs; a test may add terraform."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "sh"):
        (folder / name).symlink_to(shutil.which(name))
    # As it is without any environment of ours: the standard library has to be enough.
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def deploy(project, machine, *arguments, cwd="/", **environ):
    command = [str(project / "infra/dev"), "deploy", *arguments]
    kept = {"PATH": str(machine), "HOME": os.environ["HOME"], **environ}
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True)


def test_a_dry_run_tells_everything_without_an_account_or_terraform(project, machine):
    ran = deploy(project, machine, "--project", "demo", "--dry-run")
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout
    for sentence in (
        "plan for project demo in asia-southeast1: 50 resources",
        "demo-inbetween in asia-southeast1",
        "public access prevention enforced",
        "inbetween-poll@demo.iam.gserviceaccount.com",
        "roles/storage.objectUser on bucket demo-inbetween\n",
        "roles/run.invoker on function inbetween-poll",
        "BUCKET=demo-inbetween",
        "DASHSCOPE_API_KEY from secret inbetween-upstream, version latest",
        "'* * * * *' Etc/UTC",
        "no successful tick in 5 minutes",
        "init -input=false",
        "apply -input=false",
        "Nothing was changed. terraform is not installed",
    ):
        assert sentence in said
    assert not (project / ".inbetween").exists()
    assert not (project / ".venv").exists()


def test_the_plan_names_every_resource_that_there_is(project, machine):
    said = deploy(project, machine, "--project", "demo", "--dry-run").stdout
    found = rules.model(project="demo")
    assert f"{sum(rules.RESOURCES.values())} resources" in said
    named = ("account_id", "secret_id", "service", "role", "display_name", "name")
    for kind in found.types():
        for one in found.resources(kind).values():
            if kind != "google_storage_bucket_object":
                assert next(one[name] for name in named if name in one) in said, kind


def test_the_plans_hash_is_the_zips(project, machine, tmp_path):
    said = deploy(project, machine, "--project", "demo", "--dry-run").stdout
    (told,) = re.findall(r"sha256 ([0-9a-f]{64})", said)
    (count,) = re.findall(r"(\d+) files, [\d,]+ bytes", said)
    install(machine)
    ran = deploy(project, machine, "--project", "demo", ASKED=str(tmp_path / "asked"))
    assert ran.returncode == 0, ran.stderr
    (made,) = (project / ".inbetween/deploy/demo").glob("*.zip")
    assert made.name == f"inbetween-{told}.zip"
    assert hashlib.sha256(made.read_bytes()).hexdigest() == told
    assert f"{count} files" in ran.stdout


def install(machine):
    (machine / "terraform").write_text(STAND_IN)
    (machine / "terraform").chmod(0o755)


def test_a_real_run_is_init_and_apply_with_the_state_of_the_project(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    settings = tmp_path / "mine.tfvars"
    settings.write_text('alert_emails = ["ops@example.com"]\n')
    options = [
        "--region",
        "europe-west1",
        "--var",
        "api_max_instances=2",
        "--var-file",
        "mine.tfvars",
    ]
    ran = deploy(
        project, machine, "--project", "demo", *options, "--yes", cwd=tmp_path, ASKED=str(asked)
    )
    assert ran.returncode == 0, ran.stderr
    init, data, apply, _ = asked.read_text().splitlines()
    home = project / ".inbetween/deploy/demo"
    assert init.endswith("init -input=false")
    assert data == f"data {home}/terraform"
    words = apply.split()
    assert words[:4] == ["terraform", f"-chdir={project}/infra/terraform", "apply", "-input=false"]
    assert f"-var-file={settings}" in words
    assert {"-var=project=demo", "-var=region=europe-west1", "-var=api_max_instances=2"} <= set(
        words
    )
    assert {f"-state={home}/terraform.tfstate", "-auto-approve"} <= set(words)
    (source,) = (word for word in words if word.startswith("-var=source_zip="))
    assert os.path.isfile(source.removeprefix("-var=source_zip="))  # noqa: PTH113 - a text


def test_the_secrets_come_first_the_first_time(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    ran = deploy(project, machine, "--project", "demo", "--secrets-first", ASKED=str(asked))
    assert "-target=google_secret_manager_secret.secret" in asked.read_text()
    assert "-auto-approve" not in asked.read_text()
    assert (
        "gcloud secrets versions add inbetween-upstream --project=demo --data-file=-" in ran.stdout
    )


def test_a_backend_of_ones_own_keeps_the_state_there(project, machine, tmp_path):
    install(machine)
    (project / "infra/terraform/backend.tf").write_text('terraform {\n  backend "gcs" {}\n}\n')
    asked = tmp_path / "asked"
    ran = deploy(project, machine, "--project", "demo", ASKED=str(asked))
    assert ran.returncode == 0, ran.stderr
    assert "-state=" not in asked.read_text()


def test_terraforms_failure_is_ours_and_stops_at_once(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    ran = deploy(project, machine, "--project", "demo", ASKED=str(asked), FAILS="init")
    assert ran.returncode == 7
    assert "apply" not in asked.read_text()


def test_without_terraform_nothing_is_begun(project, machine):
    ran = deploy(project, machine, "--project", "demo")
    assert ran.returncode == 3
    assert "terraform is not installed" in ran.stderr
    assert not (project / ".inbetween").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--var", "runtime=python39"], "runtime must be python311, python312 or python313"),
        (["--var", "colour=blue"], "unknown variable colour; there are: alert_5xx_above"),
        (["--var", "api_max_instances"], "--var api_max_instances: write NAME=VALUE"),
        (["--var", 'alert_emails=["a@b.c"'], "--var alert_emails"),
        (["--var", "videos_days=forever"], "only plain values can be given here"),
        (["--region", "Mars"], "region must be a Google Cloud region"),
        (["--var-file", "nowhere.tfvars"], "nowhere.tfvars"),
        (["--var", "jobs_days=3"], "9 or more: what marks a deleted job must outlive"),
        (["--var", "tick_budget_s=100"], "poll_timeout_s must be at least tick_budget_s + 640"),
    ],
)
def test_a_mistake_is_told_before_anything_is_done(project, machine, arguments, sentence):
    for more in ([], ["--dry-run"]):
        ran = deploy(project, machine, "--project", "demo", *arguments, *more)
        assert ran.returncode == 1
        assert sentence in ran.stderr
        assert ran.stderr.startswith("infra/dev deploy: ")
        assert not (project / ".inbetween").exists()


def test_a_setting_of_the_folder_is_seen_by_the_plan(project, machine):
    (project / "infra/terraform/mine.auto.tfvars").write_text("videos_days = 90\n")
    ran = deploy(project, machine, "--project", "demo", "--dry-run")
    assert "videos/ goes after 90 days" in ran.stdout
