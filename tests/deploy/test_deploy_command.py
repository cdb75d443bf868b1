"""`infra/dev deploy`: Terraform's own plan and nothing beyond it, and what a real run calls in what order."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import rules
from tests.deploy.conftest import IGNORED, one_line

ROOT = rules.ROOT
# Says what it was asked, and ends as it is told; the real one needs an account to do anything.
STAND_IN = """#!/bin/sh
echo "terraform $*" >> "$ASKED"
echo "data $TF_DATA_DIR" >> "$ASKED"
case "$*" in
  *source_zip=*) zip=${*##*source_zip=} && [ -f "${zip%% *}" ] && echo "zip there" >> "$ASKED" ;;
esac
case "$*" in
  *"output "*) echo "gcloud secrets versions add inbetween-upstream --project=demo --data-file=-" ;;
esac
case "$*" in *" $FAILS "*) exit 7;; esac
"""


@pytest.fixture
def project(tmp_path):
    """A checkout of its own, so that a real run leaves nothing in ours."""
    root = tmp_path / "checkout"
    for name in ("lib", "infra/deploy"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(rules.TERRAFORM, root / "infra/terraform", ignore=IGNORED)
    for name in ("main.py", "requirements.txt", "infra/dev", "infra/requirements.lock"):
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
    # A person without credentials, unless the test gives some.
    kept = {"PATH": str(machine), "HOME": str(machine), **environ}
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True)


def test_without_terraform_a_dry_run_says_that_nothing_was_planned(project, machine):
    ran = deploy(project, machine, "--project", "demo", "--dry-run")
    assert ran.returncode == 3, ran.stderr
    for sentence in (
        "main.py, requirements.txt",
        "Nothing was planned: terraform is not installed",
        "https://developer.hashicorp.com/terraform/install",
        "neither a value nor a resource",
        "Nothing was changed.\n",
    ):
        assert sentence in ran.stdout
    assert "Planned" not in ran.stdout
    assert not (project / ".inbetween").exists()
    assert not (project / ".venv").exists()


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
    init, data, apply, _, there = asked.read_text().splitlines()
    assert there == "zip there"
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
    assert Path(source.removeprefix("-var=source_zip=")).is_file()


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
        (["--var", "colour=blue"], "unknown variable colour; there are: alert_5xx_above"),
        (["--var", "api_max_instances"], "--var api_max_instances: write NAME=VALUE"),
        (["--var-file", "nowhere.tfvars"], "nowhere.tfvars"),
    ],
)
def test_a_mistake_is_told_before_anything_is_done(project, machine, arguments, sentence):
    for more in ([], ["--dry-run"]):
        ran = deploy(project, machine, "--project", "demo", *arguments, *more)
        assert ran.returncode == 1
        assert sentence in ran.stderr
        assert ran.stderr.startswith("infra/dev deploy: ")
        assert not (project / ".inbetween").exists()


def words_of(asked):
    """Terraform's subcommands in order, and the words of the last one."""
    lines = [line.split() for line in asked.read_text().splitlines() if "terraform -c" in line]
    return [words[2] for words in lines], lines[-1]


def test_without_credentials_a_dry_run_plans_against_a_mocked_provider(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    options = ["--region", "europe-west1", "--var", "api_max_instances=2", "--dry-run"]
    ran = deploy(project, machine, "--project", "demo", *options, ASKED=str(asked))
    assert ran.returncode == 0, ran.stderr
    commands, last = words_of(asked)
    assert commands == ["init", "test"]
    assert {"-verbose", "-var=project=demo", "-var=region=europe-west1"} <= set(last)
    assert "-var=api_max_instances=2" in last
    assert "zip there" in asked.read_text()
    assert "against a mocked provider" in ran.stdout
    assert "Google was not\nasked" in ran.stdout
    assert ran.stdout.endswith("\nNothing was changed.\n")
    assert not (project / ".inbetween").exists()


@pytest.mark.parametrize(
    "environ", [{"GOOGLE_OAUTH_ACCESS_TOKEN": "x"}, {"CLOUDSDK_CONFIG": "/gcloud"}, {}]
)
def test_with_credentials_a_dry_run_is_terraforms_plan(project, machine, tmp_path, environ):
    install(machine)
    if "GOOGLE_OAUTH_ACCESS_TOKEN" not in environ:
        environ = {name: f"{tmp_path}{value}" for name, value in environ.items()}
        folder = Path(environ.get("CLOUDSDK_CONFIG", machine / ".config/gcloud"))
        folder.mkdir(parents=True)
        (folder / "application_default_credentials.json").write_text("{}")
    asked = tmp_path / "asked"
    options = ["--project", "demo", "--dry-run", "--secrets-first"]
    ran = deploy(project, machine, *options, ASKED=str(asked), **environ)
    assert ran.returncode == 0, ran.stderr
    commands, last = words_of(asked)
    assert commands == ["init", "plan"]
    home = project / ".inbetween/deploy/demo"
    # Against the state and the zip of a deployment, or the plan would tell of differences that are none.
    assert f"-state={home}/terraform.tfstate" in last
    assert any(word.startswith(f"-var=source_zip={home}/inbetween-") for word in last)
    assert {"-lock=false", "-target=google_secret_manager_secret.secret"} <= set(last)
    assert "zip there" in asked.read_text()
    assert str(project) not in asked.read_text().partition("data ")[2].partition("\n")[0]
    assert "Planned by Terraform with the credentials of this machine" in ran.stdout
    assert ran.stdout.endswith("\nNothing was changed.\n")
    assert not (project / ".inbetween").exists()


def test_a_dry_run_leaves_what_a_deployment_has_made(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    assert deploy(project, machine, "--project", "demo", ASKED=str(asked)).returncode == 0
    before = sorted(project.rglob("*"))
    ran = deploy(project, machine, "--project", "demo", "--dry-run", ASKED=str(asked))
    assert ran.returncode == 0
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("fails", ["init", "test"])
def test_a_plan_that_fails_is_none(project, machine, tmp_path, fails):
    install(machine)
    asked = tmp_path / "asked"
    options = ["--project", "demo", "--dry-run"]
    ran = deploy(project, machine, *options, ASKED=str(asked), FAILS=fails)
    assert ran.returncode == 7
    assert words_of(asked)[0][-1] == fails
    assert "Nothing was planned: the error above is Terraform's.\n" in ran.stdout
    assert "Planned" not in ran.stdout
    assert ran.stdout.endswith("\nNothing was changed.\n")


@pytest.fixture
def planned(project, machine, terraform):
    """A dry run by the real Terraform, with a mocked provider."""
    terraform.install(machine)

    def run(*arguments, **more):
        words = ["--project", "demo", "--dry-run", *arguments]
        # The provider may be served by a program of this machine, so everything is on the PATH.
        path = f"{machine}:{os.environ['PATH']}"
        return deploy(project, path, *words, **terraform.environ, HOME=str(machine), **more)

    return run


def test_the_plan_names_every_resource_that_there_is(planned):
    ran = planned()
    assert ran.returncode == 0, ran.stderr
    for kind, named in rules.configuration().resources.items():
        for name, block in named.items():
            if kind != "google_monitoring_notification_channel":  # nobody is told
                each = r"\[.+\]" if "for_each" in block else ""
                assert re.search(rf"# {kind}\.{name}{each} will be created", ran.stdout)
    assert "Plan: 50 to add, 0 to change, 0 to destroy." in ran.stdout
    assert "against a mocked provider" in ran.stdout


def test_only_the_secrets_are_planned_when_they_come_first(planned):
    ran = planned("--secrets-first")
    assert ran.returncode == 0, ran.stderr
    made = set(re.findall(r"# (\w+)\.", ran.stdout))
    assert made == {"google_project_service", "google_secret_manager_secret"}
    # What is printed after it has been made: an output that depends on nothing made would be left out.
    assert (
        "gcloud secrets versions add inbetween-upstream --project=demo --data-file=-" in ran.stdout
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {
            'owner_limits={"ada"={"jobs_per_day"="many"}}': "a number is required",
            'paused="maybe"': "a bool is required",
        },
        {"videos_days=forever": "Unsuitable value for var.videos_days"},
        {'alert_emails=["a@b.c"': "on <value for var.alert_emails> line 1"},
        {
            "runtime=python39": "runtime must be python311, python312 or python313",
            "region=Mars": "region must be a Google Cloud region",
            "jobs_days=3": "9 or more: what marks a deleted job must outlive",
            "tick_budget_s=100": "poll_timeout_s must be at least tick_budget_s + 640",
        },
    ],
    ids=["type", "number", "text", "rule"],
)
def test_what_terraform_refuses_is_refused_in_its_words(planned, wrong):
    ran = planned(*(word for text in wrong for word in ("--var", text)))
    assert ran.returncode == 1
    for sentence in wrong.values():
        assert sentence in one_line(ran.stderr)
    assert (
        "Nothing was planned: the error above is Terraform's.\nNothing was changed.\n" in ran.stdout
    )


def test_a_setting_of_the_folder_is_seen_by_the_plan(project, planned):
    (project / "infra/terraform/mine.auto.tfvars").write_text('videos_days = 90\ncolour = "blue"\n')
    ran = planned()
    assert ran.returncode == 0, ran.stderr
    assert re.search(r'age += 90\n(?:.*\n){1,20}? +\+ "videos/"', ran.stdout)
    assert 'does not declare a variable named "colour"' in one_line(ran.stdout)


def test_the_example_is_accepted(planned):
    ran = planned("--var-file", str(rules.TERRAFORM / "example.tfvars"))
    assert ran.returncode == 0, ran.stderr
    assert "undeclared" not in ran.stdout
    assert '"ops@example.com"' in ran.stdout
