"""Terraform's commands for one deployment: what is given to each, and how one is run.

Owns the words of each command and where a project's state is kept: below .inbetween/deploy, unless
infra/terraform/backend.tf says where else. Judges no value and reads none of Terraform's answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("infra/terraform")
MISSING = (
    "terraform is not installed; infra/dev deploy needs 1.9 or newer "
    "(https://developer.hashicorp.com/terraform/install)."
)
SECRETS = "google_secret_manager_secret.secret"


@dataclass(frozen=True)
class Order:
    """What is to be deployed, as it was asked for.

    Attributes:
        root: the checkout.
        project: the id of the Google Cloud project.
        region: a Google Cloud region; None leaves it to variables.tf.
        variables: each as NAME=VALUE, unread.
        variable_file: a file of variables, as example.tfvars.
        secrets_first: whether only the containers of secrets are to be made.
        zip_name: the name of the built zip.
    """

    root: Path
    project: str
    region: str | None
    variables: tuple[str, ...]
    variable_file: Path | None
    secrets_first: bool
    zip_name: str

    @property
    def folder(self) -> Path:
        """Where the configuration is."""
        return self.root / FOLDER

    @property
    def kept(self) -> Path:
        """Where this project's zips, state and providers are kept."""
        return self.root / ".inbetween/deploy" / self.project

    def given(self) -> list[str]:
        """Every variable: by file, then by --var, then by an option of its own."""
        given = [f"-var-file={self.variable_file.resolve()}"] if self.variable_file else []
        given += [f"-var={text}" for text in self.variables]
        given += [f"-var=region={self.region}"] if self.region else []
        return [*given, f"-var=project={self.project}", f"-var=source_zip={self.zip_path}"]

    @property
    def zip_path(self) -> Path:
        """Where the zip lies while Terraform reads it: a part of the plan, so always the same."""
        return self.kept / self.zip_name

    def state(self) -> list[str]:
        """Where the state is, unless a backend says so."""
        if (self.folder / "backend.tf").exists():
            return []
        return [f"-state={self.kept / 'terraform.tfstate'}"]

    def target(self) -> list[str]:
        """What Terraform is held to."""
        return [f"-target={SECRETS}"] if self.secrets_first else []


def installed() -> bool:
    """Whether there is a terraform to run."""
    return shutil.which("terraform") is not None


def deployment(order: Order, *, ask: bool) -> list[list[str]]:
    """The commands of a real run, in order.

    Args:
        order: what is to be deployed.
        ask: whether Terraform asks before it changes anything.
    """
    base = ["terraform", f"-chdir={order.folder}"]
    given = [*order.given(), *order.state(), *order.target()]
    agreed = [] if ask else ["-auto-approve"]
    commands = [
        [*base, "init", "-input=false"],
        [*base, "apply", "-input=false", *given, *agreed],
    ]
    if order.secrets_first:
        commands.append([*base, "output", *order.state(), "secrets_to_fill"])
    return commands


def plan(order: Order, folder: Path) -> list[list[str]]:
    """The commands of a plan with an account: it locks nothing and writes nothing.

    Args:
        order: what would be deployed.
        folder: a copy of the configuration that may be written to.
    """
    base = ["terraform", f"-chdir={folder}"]
    given = [*order.given(), *order.state(), *order.target()]
    return [
        [*base, "init", "-input=false"],
        [*base, "plan", "-input=false", "-lock=false", *given],
    ]


def mocked_plan(order: Order, folder: Path) -> list[list[str]]:
    """The commands of a plan without an account, by `terraform test` with a mocked provider.

    Args:
        order: what would be deployed.
        folder: a copy of the configuration that may be written to.
    """
    name = "tests/dry_run.tftest.hcl"
    only = f"\n  plan_options {{\n    target = [{SECRETS}]\n  }}" if order.secrets_first else ""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(
        f'mock_provider "google" {{}}\n\nrun "plan" {{\n  command = plan{only}\n}}\n', "utf-8"
    )
    base = ["terraform", f"-chdir={folder}"]
    files = [*folder.glob("*.auto.tfvars"), *folder.glob("terraform.tfvars"), order.variable_file]
    # Of a name in a file that is no variable, `test` says nothing, and this does.
    names = [[*base, "console", *order.given()]] if any(files) else []
    return [
        [*base, "init", "-input=false", "-backend=false"],
        *names,
        [*base, "test", "-verbose", f"-filter={name}", *order.given()],
    ]


def run(command: list[str], *, data: Path, quiet: bool = False) -> int:
    """Run one command in the foreground.

    Args:
        command: as one of the functions above gives it.
        data: where Terraform keeps providers.
        quiet: whether its output is shown only when it fails.

    Returns:
        Its exit status.
    """
    sys.stdout.flush()
    ran = subprocess.run(  # noqa: S603 - our own command; a person's words are arguments, never a shell's
        command,
        env={**os.environ, "TF_DATA_DIR": str(data)},
        check=False,
        # A console that is asked nothing ends at once; a person answers the question of an apply.
        stdin=subprocess.DEVNULL if "console" in command else None,
        stdout=subprocess.PIPE if quiet else None,
        text=True,
    )
    if quiet and ran.returncode:
        sys.stdout.write(ran.stdout)
    return ran.returncode
