"""`infra/dev deploy`: Terraform's own plan and nothing beyond it, and what a real run calls in what order.

A person's Terraform is a stand-in that writes down what it was asked and answers as a test says; the real
one plans where there is a provider.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy import rules
from tests.deploy.command import deploy, install, words_of
from tests.deploy.conftest import one_line

ROOT = rules.ROOT


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
    (made,) = (project / ".inbetween/deploy/demo/inbetween").glob("*.zip")
    assert made.name == f"inbetween-{told}.zip"
    assert hashlib.sha256(made.read_bytes()).hexdigest() == told
    assert f"{count} files" in ran.stdout


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
    home = project / ".inbetween/deploy/demo/inbetween"
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
    for first in (
        "secret_manager_secret.secret",
        "project_iam_member.build",
        "logging_metric.ticks",
    ):
        assert f" -target=google_{first} " in asked.read_text()
    for later in ("google_cloudfunctions2_function", "google_monitoring_alert_policy"):
        assert later not in asked.read_text()
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
    assert (
        "init -input=false -backend-config=prefix=inbetween/demo/inbetween\n" in asked.read_text()
    )


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
    home = project / ".inbetween/deploy/demo/inbetween"
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


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (["--name", "lab"], "lab"),
        (["--var", "name=lab"], "lab"),
        (["--var-file", "mine.tfvars"], "file"),
        (["--var-file", "mine.tfvars.json"], "json"),
        (["--var-file", "mine.tfvars", "--var", "name=lab"], "lab"),
        (["--var", "name=no", "--name", "lab"], "lab"),
    ],
)
def test_each_name_has_a_state_of_its_own(project, machine, tmp_path, how, name):
    install(machine)
    (tmp_path / "mine.tfvars").write_text('colours = {\n  name = "no"\n}\nname   = "file"\n')
    (tmp_path / "mine.tfvars.json").write_text('{"name": "json"}')
    (project / "infra/terraform/mine.auto.tfvars").write_text('name = "auto"\n')
    asked = tmp_path / "asked"
    ran = deploy(project, machine, "--project", "demo", *how, cwd=tmp_path, ASKED=str(asked))
    assert ran.returncode == 0, ran.stderr
    home = project / f".inbetween/deploy/demo/{name}"
    assert f" -state={home}/terraform.tfstate" in asked.read_text()
    assert f"data {home}/terraform\n" in asked.read_text()
    assert f" -var=name={name} " in asked.read_text()
    (project / "infra/terraform/backend.tf").write_text('terraform {\n  backend "gcs" {}\n}\n')
    deploy(project, machine, "--project", "demo", *how, cwd=tmp_path, ASKED=str(asked))
    assert f" -backend-config=prefix=inbetween/demo/{name}\n" in asked.read_text()


def test_a_name_of_the_folders_own_files_counts(project, machine, tmp_path):
    install(machine)
    (project / "infra/terraform/mine.auto.tfvars").write_text('name = "auto"\n')
    asked = tmp_path / "asked"
    assert deploy(project, machine, "--project", "demo", ASKED=str(asked)).returncode == 0
    assert "/.inbetween/deploy/demo/auto/terraform.tfstate" in asked.read_text()


def test_a_state_that_would_be_forgotten_or_shared_stops_everything(project, machine, tmp_path):
    install(machine)
    before = project / ".inbetween/deploy/demo/terraform.tfstate"
    before.parent.mkdir(parents=True)
    before.write_text("{}")
    for command in ("deploy", "destroy"):
        ran = deploy(project, machine, "--project", "demo", command=command)
        assert ran.returncode == 1
        assert f"mv {before}* {before.parent}/inbetween/" in ran.stderr
    before.unlink()
    backend = 'terraform {\n  backend "gcs" {\n    prefix = "inbetween"\n  }\n}\n'
    (project / "infra/terraform/backend.tf").write_text(backend)
    ran = deploy(project, machine, "--project", "demo", "--name", "lab")
    assert ran.returncode == 1
    assert "leave `prefix` out. Each deployment gets its own, inbetween/demo/lab" in ran.stderr


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_state_on_this_machine_beside_a_backend_stops_everything(project, machine, command):
    install(machine)
    (project / "infra/terraform/backend.tf").write_text('terraform {\n  backend "gcs" {}\n}\n')
    kept = project / ".inbetween/deploy/demo/lab"
    kept.mkdir(parents=True)
    (kept / "terraform.tfstate").write_text("{}")
    ran = deploy(project, machine, "--project", "demo", "--name", "lab", command=command)
    assert ran.returncode == 1
    init, push, away = ran.stderr.splitlines()[-3:]
    base = f"  TF_DATA_DIR={kept}/terraform terraform -chdir={project}/infra/terraform"
    assert init == f"{base} init -backend-config=prefix=inbetween/demo/lab &&"
    assert push == f"{base} state push {kept}/terraform.tfstate &&"
    assert away == f"  mv {kept}/terraform.tfstate {kept}/terraform.tfstate.moved"


def test_the_lines_that_move_a_state_move_it(project, machine, tmp_path):
    """By the real Terraform, with a backend that is a file elsewhere."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    folder, kept = project / "infra/terraform", project / ".inbetween/deploy/demo/inbetween"
    for path in folder.glob("*.tf"):
        if path.name != "variables.tf":
            path.unlink()
    there = tmp_path / "there.tfstate"
    backend = f'terraform {{\n  backend "local" {{\n    path = "{there}"\n  }}\n}}\n'
    (folder / "backend.tf").write_text(backend)
    kept.mkdir(parents=True)
    state = {"version": 4, "terraform_version": "1.9.0", "serial": 7, "lineage": "ours"}
    state |= {"outputs": {"url": {"value": "https://u", "type": "string"}}, "resources": []}
    (kept / "terraform.tfstate").write_text(json.dumps(state))
    path = f"{machine}:{os.environ['PATH']}"
    refused = deploy(project, path, "--project", "demo")
    _, _, lines = refused.stderr.partition("Move it there:\n")
    moved = subprocess.run(["bash", "-ec", lines], capture_output=True, text=True)
    assert moved.returncode == 0, moved.stderr
    assert json.loads(there.read_text())["outputs"] == state["outputs"]
    assert "Move it there" not in deploy(project, path, "--project", "demo", "--dry-run").stderr


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_service_account_may_do_it(project, machine, tmp_path, command):
    install(machine)
    asked, deployer = tmp_path / "asked", "deployer@demo.iam.gserviceaccount.com"
    words = ["--project", "demo", "--yes", "--impersonate", deployer]
    ran = deploy(project, machine, *words, command=command, ASKED=str(asked))
    assert ran.returncode == 0, ran.stderr
    lines = asked.read_text().splitlines()
    assert (
        lines.count(f"as {deployer}") == sum(line.startswith("terraform ") for line in lines) == 2
    )


# As Google and its provider say them; the sources stand in infra/deploy/patience.py.
NOT_YET = {
    "metric": 'Error creating AlertPolicy: googleapi: Error 404: Cannot find metric(s) that match type = "logging.googleapis.com/user/inbetween/ticks". If a metric was created recently, it could take up to 10 minutes to become available. Please try again soon.',
    "service": "googleapi: Error 403: Cloud Scheduler API has not been used in project 123 before or it is disabled. If you enabled this API recently, wait a few minutes",
    "repository": "Error waiting for Creating function: Error code 7, message: Unable to retrieve the repository metadata for projects/p/locations/r/repositories/gcf-artifacts.",
    "build": "Build failed with status: FAILURE. inbetween-build@p.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object.",
    "build-of-a-new-account": "Error waiting for Creating function: Error code 3, message: Build failed with status: FAILURE. Could not build the function due to a missing permission on the build service account. If you didn't revoke that permission explicitly, this could be caused by a change in the organization policies.",
    "provenance": "Error waiting for Creating function: Error code 7, message: Could not build the function due to missing permissions. Error determining source provenance",
    "sources": "Error code 13, message: Build failed with status: FAILURE and message: failed to Fetch: failed to download archive gs://gcf-v2-sources-1-r/inbetween-api/function-source.zip: Access to bucket gcf-v2-sources-1-r denied. You must grant Storage Object Viewer permission to inbetween-build@p.iam.gserviceaccount.com.",
    "secret": "Permission denied on secret: projects/1/secrets/inbetween-upstream/versions/latest for Revision service account inbetween-api@p.iam.gserviceaccount.com.",
    "identity": "googleapi: Error 400: Service account inbetween-build@p.iam.gserviceaccount.com does not exist., badRequest",
}


def attempts(project, machine, tmp_path, errors, *options):
    install(machine)
    asked, left = tmp_path / "asked", tmp_path / "errors"
    left.write_text("".join(f"{error}\n" for error in errors))
    words = ["--project", "demo", "--yes", *options]
    ran = deploy(project, machine, *words, ASKED=str(asked), ERRORS=str(left))
    return ran, sum(" apply " in line for line in asked.read_text().splitlines())


@pytest.mark.parametrize("error", NOT_YET.values(), ids=NOT_YET)
def test_what_google_has_not_learned_yet_is_applied_once_more(project, machine, tmp_path, error):
    ran, tries = attempts(project, machine, tmp_path, [error], "--patience", "0.1")
    assert (ran.returncode, tries) == (0, 2), ran.stderr
    assert "· Google is not ready: " in ran.stdout
    assert "waiting 0.1 s, then the same once more; 0 s of patience are left" in ran.stdout
    assert error in ran.stderr


def test_patience_ends_and_says_so(project, machine, tmp_path):
    late = [NOT_YET["metric"]] * 3
    ran, tries = attempts(project, machine, tmp_path, late, "--patience", "0.1")
    assert (ran.returncode, tries) == (1, 2)
    assert ran.stderr.endswith("this ends by itself; run the same once more.\n")


@pytest.mark.parametrize(
    "error",
    [
        "googleapi: Error 403: Permission 'iam.serviceaccounts.actAs' denied on service account",
        "Error creating Bucket: googleapi: Error 409: Your previous request to create the named bucket",
        "One or more users named in the policy do not belong to a permitted customer.",
        "Quota exceeded for total allowable CPU per project per region.",
    ],
)
def test_any_other_error_is_told_at_once(project, machine, tmp_path, error):
    ran, tries = attempts(project, machine, tmp_path, [error])
    assert (ran.returncode, tries) == (1, 1)
    assert "patience" not in ran.stdout + ran.stderr


def test_one_lasting_error_among_late_ones_is_told_at_once(project, machine, tmp_path):
    both = f"{NOT_YET['metric']} │ Error: Quota exceeded"
    ran, tries = attempts(project, machine, tmp_path, [both])
    assert (ran.returncode, tries) == (1, 1)


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
    assert "Plan: 61 to add, 0 to change, 0 to destroy." in ran.stdout
    assert "against a mocked provider" in ran.stdout


def test_secrets_and_what_google_learns_slowly_are_planned_when_they_come_first(planned):
    ran = planned("--secrets-first")
    assert ran.returncode == 0, ran.stderr
    made = set(re.findall(r"# (\w+)\.", ran.stdout))
    assert made == {
        *("google_project_service", "google_secret_manager_secret", "google_logging_metric"),
        *("google_service_account", "google_service_account_iam_member"),
        *("google_project_iam_member", "google_secret_manager_secret_iam_member"),
    }
    # What is printed after it has been made: an output that depends on nothing made would be left out.
    assert (
        "gcloud secrets versions add inbetween-upstream --project=demo --data-file=-" in ran.stdout
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {
            'paused="maybe"': "a bool is required",
        },
        {"videos_days=forever": "Unsuitable value for var.videos_days"},
        {'alert_emails=["a@b.c"': "on <value for var.alert_emails> line 1"},
        {
            "runtime=python39": "runtime must be python311, python312, python313 or python314",
            "region=Mars": "region must be a Google Cloud region",
            'owner_limits={"ada"={"jobs_per_day"="many"}}': "owner_limits must hold jobs_per_day",
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


def test_limits_in_money_are_taken_from_the_command_line(planned):
    ran = planned("--var", 'owner_limits={"*"={jobs_per_day=5,spend_per_day="50.00 CNY"}}')
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"jobs_per_day\W+5\b", ran.stdout)
    assert re.search(r"spend_per_day\W+50\.00 CNY\b", ran.stdout)


def test_a_bucket_that_exists_is_taken_over(planned):
    ran = planned("--var", "bucket=my-films", "--var", "bucket_exists=true")
    assert ran.returncode == 0, ran.stderr
    assert "# google_storage_bucket.films will be imported" in ran.stdout
    assert "Plan: 1 to import, 60 to add, 0 to change, 0 to destroy." in ran.stdout


def test_the_example_is_accepted(planned):
    ran = planned("--var-file", str(rules.TERRAFORM / "example.tfvars"))
    assert ran.returncode == 0, ran.stderr
    assert "undeclared" not in ran.stdout
    assert '"ops@example.com"' in ran.stdout
