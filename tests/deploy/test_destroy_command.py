"""`infra/dev destroy`: everything goes but films, secrets and what others may use; and that is said."""

import re

import pytest

from tests.deploy import rules
from tests.deploy.command import deploy, install, words_of
from tests.deploy.conftest import one_line


def destroy(project, machine, *arguments, **environ):
    return deploy(project, machine, *arguments, command="destroy", **environ)


def targets(words):
    return {word.removeprefix("-target=") for word in words if word.startswith("-target=")}


def everything():
    return {
        f"{kind}.{name}"
        for kind, named in rules.configuration().resources.items()
        for name in named
    }


def test_all_goes_but_what_nobody_can_make_again(project, machine, tmp_path):
    install(machine)
    asked = tmp_path / "asked"
    words = ["--project", "demo", "--name", "lab", "--region", "europe-west1"]
    ran = destroy(project, machine, *words, ASKED=str(asked))
    assert ran.returncode == 0, ran.stderr
    commands, last = words_of(asked)
    assert commands == ["init", "destroy"]
    # Services stay on: others may use them.
    assert targets(last) == everything() - rules.KEPT - {"google_project_service.needed"}
    home = project / ".inbetween/deploy/demo/lab"
    assert {f"-state={home}/terraform.tfstate", "-var=name=lab", "-var=region=europe-west1"} <= {
        *last
    }
    assert "-auto-approve" not in last
    for sentence in (
        "What stays, and is billed as before",
        "infra/dev deploy --project demo --name lab",
        "gcloud storage rm gs://BUCKET --recursive",
        "gcloud secrets delete lab-owner-keys --project=demo",
        f"rm -r {home}",
    ):
        assert sentence in ran.stdout
    assert "-auto-approve" in words_of(asked_yes(project, machine, tmp_path))[1]


def asked_yes(project, machine, tmp_path):
    asked = tmp_path / "asked with yes"
    destroy(project, machine, "--project", "demo", "--yes", ASKED=str(asked))
    return asked


def test_a_failure_is_terraforms_and_claims_nothing(project, machine, tmp_path):
    install(machine)
    ran = destroy(project, machine, "--project", "demo", ASKED=str(tmp_path / "a"), FAILS="destroy")
    assert ran.returncode == 7
    assert "What stays" not in ran.stdout


def test_a_dry_run_names_what_would_go_and_changes_nothing(project, machine, tmp_path):
    ran = destroy(project, machine, "--project", "demo", "--dry-run")
    assert ran.returncode == 3
    named = set(re.findall(r"^· (google_\w+\.\w+)$", ran.stdout, re.MULTILINE))
    assert named == everything() - rules.KEPT - {"google_project_service.needed"}
    assert "Nothing was planned: terraform is not installed" in ran.stdout
    install(machine)
    ran = destroy(project, machine, "--project", "demo", "--dry-run")
    assert ran.returncode == 0
    assert "no credentials were found (gcloud auth login --update-adc)" in ran.stdout
    asked = tmp_path / "asked"
    account = {"GOOGLE_OAUTH_ACCESS_TOKEN": "x", "ASKED": str(asked)}
    ran = destroy(project, machine, "--project", "demo", "--dry-run", **account)
    assert ran.returncode == 0, ran.stderr
    commands, last = words_of(asked)
    assert commands == ["init", "plan"]
    assert {"-destroy", "-lock=false"} <= set(last)
    assert targets(last) == named
    assert ran.stdout.endswith("Nothing was changed.\n")
    assert not (project / ".inbetween").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--project", "../demo"], "--project ../demo: write a project id"),
        (["--project", "demo", "--name", "../x"], "name ../x: write 3 to 20"),
        (
            ["--project", "demo", "--impersonate", "me@example.com"],
            "the e-mail of a service account",
        ),
        (["--project", "demo", "--var", "colour=blue"], "unknown variable colour"),
    ],
)
@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_what_cannot_be_meant_is_told_before_anything_is_done(
    project, machine, command, words, sentence
):
    install(machine)
    ran = deploy(project, machine, *words, command=command)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"infra/dev {command}: ")
    assert sentence in one_line(ran.stderr)
    assert not (project / ".inbetween").exists()
