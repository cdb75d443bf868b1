"""Terraform's commands for one deployment: what is given to each, and how one is run.

Owns the words of each command and where a deployment's state is kept, by project and name: below
.inbetween/deploy, unless infra/terraform/backend.tf says where else. Judges no value; of what
Terraform answers it hands on standard error, and reads nothing in it.
"""

from __future__ import annotations

import os
import re
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
KEPT = Path(".inbetween/deploy")
STATE = "terraform.tfstate"
BACKEND = "backend.tf"
SECRETS = "google_secret_manager_secret.secret"
# What holds what nobody can make again; services may be used by others.
STAYS = ("google_storage_bucket.films", SECRETS, "google_project_service.needed")
# Made with the secrets, so that Google knows of it when functions are built and alerts made.
LEARNT_SLOWLY = (
    "google_logging_metric",
    "google_project_iam_member",
    "google_secret_manager_secret_iam_member",
    "google_service_account_iam_member",
)


@dataclass(frozen=True)
class Order:
    """What is to be deployed, as it was asked for.

    Attributes:
        root: the checkout.
        project: the id of the Google Cloud project.
        name: which deployment of the project.
        region: a Google Cloud region; None leaves it to variables.tf.
        variables: each as NAME=VALUE, unread.
        variable_file: a file of variables, as example.tfvars.
        impersonate: the service account with whose rights it is done; None for one's own.
        secrets_first: whether only secrets are to be made, and what Google learns slowly.
        zip_name: the name of the built zip.
    """

    root: Path
    project: str
    name: str
    region: str | None
    variables: tuple[str, ...]
    variable_file: Path | None
    impersonate: str | None
    secrets_first: bool
    zip_name: str

    @property
    def folder(self) -> Path:
        """Where the configuration is."""
        return self.root / FOLDER

    @property
    def kept(self) -> Path:
        """Where this deployment's zips, state and providers are kept."""
        return self.root / KEPT / self.project / self.name

    def given(self) -> list[str]:
        """Every variable: by file, then by --var, then by an option of its own."""
        given = [f"-var-file={self.variable_file.resolve()}"] if self.variable_file else []
        given += [f"-var={text}" for text in self.variables]
        given += [f"-var=region={self.region}"] if self.region else []
        mine = {"project": self.project, "name": self.name, "source_zip": self.zip_path}
        return [*given, *(f"-var={name}={value}" for name, value in mine.items())]

    @property
    def zip_path(self) -> Path:
        """Where the zip lies while Terraform reads it: a part of the plan, so always the same."""
        return self.kept / self.zip_name

    def state(self) -> list[str]:
        """Where the state is, unless a backend says so."""
        if (self.folder / BACKEND).exists():
            return []
        return [f"-state={self.kept / STATE}"]

    def backend(self) -> list[str]:
        """Which state of a shared bucket is ours; another backend names its own in its file."""
        return backend(self.folder, self.project, self.name)

    def targets(self) -> list[str]:
        """The addresses that Terraform is held to; none for everything."""
        if not self.secrets_first:
            return []
        slow = [one for one in addresses(self.folder) if one.partition(".")[0] in LEARNT_SLOWLY]
        return [SECRETS, *slow]

    def target(self) -> list[str]:
        """What Terraform is held to, in its words."""
        return [f"-target={one}" for one in self.targets()]

    def environ(self, data: Path) -> dict[str, str]:
        """What Terraform and its provider find in the environment.

        Args:
            data: where Terraform keeps providers.
        """
        found = {**os.environ, "TF_DATA_DIR": str(data)}
        if self.impersonate:
            # The google provider's own name, and its backend's: "Authentication" of both.
            found["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"] = self.impersonate
        return found


def prefix(project: str, name: str) -> str:
    """Where a deployment's state lies in a bucket that several share."""
    return f"inbetween/{project}/{name}"


def backend(folder: Path, project: str, name: str) -> list[str]:
    """What `init` is told of a shared bucket; another backend names its place in its file.

    Args:
        folder: where the configuration is.
        project: the id of the Google Cloud project.
        name: which deployment of the project.
    """
    path = folder / BACKEND
    if not path.exists() or 'backend "gcs"' not in path.read_text("utf-8"):
        return []
    return [f"-backend-config=prefix={prefix(project, name)}"]


def moving(root: Path, project: str, name: str) -> str:
    """The lines that move a state from this machine to where backend.tf says.

    Args:
        root: the checkout.
        project: the id of the Google Cloud project.
        name: which deployment of the project.
    """
    folder, kept = root / FOLDER, root / KEPT / project / name
    state = kept / STATE
    base = f"TF_DATA_DIR={kept / 'terraform'} terraform -chdir={folder}"
    lines = (
        " ".join([base, "init", *backend(folder, project, name)]),
        f"{base} state push {state}",
        f"mv {state} {state}.moved",
    )
    return " &&\n".join(f"  {line}" for line in lines)


def addresses(folder: Path) -> list[str]:
    """Every resource of a configuration, as Terraform addresses it."""
    found = []
    for path in sorted(folder.glob("*.tf")):
        text = path.read_text("utf-8")
        found += re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)
    return [f"{kind}.{name}" for kind, name in found]


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
        [*base, "init", "-input=false", *order.backend()],
        [*base, "apply", "-input=false", *given, *agreed],
    ]
    if order.secrets_first:
        commands.append([*base, "output", *order.state(), "secrets_to_fill"])
    return commands


def destruction(order: Order, *, ask: bool) -> list[list[str]]:
    """The commands that take a deployment down: everything but what holds films and secrets.

    By targets: Terraform refuses a plan that would destroy what may never be (`prevent_destroy`).

    Args:
        order: which deployment.
        ask: whether Terraform asks before it destroys anything.
    """
    base = ["terraform", f"-chdir={order.folder}"]
    gone = [f"-target={one}" for one in addresses(order.folder) if one not in STAYS]
    agreed = [] if ask else ["-auto-approve"]
    given = [*order.given(), *order.state(), *gone]
    return [
        [*base, "init", "-input=false", *order.backend()],
        [*base, "destroy", "-input=false", *given, *agreed],
    ]


def destruction_plan(order: Order, folder: Path) -> list[list[str]]:
    """The commands that show what `destruction` would do; they lock nothing and write nothing.

    Args:
        order: which deployment.
        folder: a copy of the configuration that may be written to.
    """
    base = ["terraform", f"-chdir={folder}"]
    gone = [f"-target={one}" for one in addresses(order.folder) if one not in STAYS]
    given = [*order.given(), *order.state(), *gone]
    return [
        [*base, "init", "-input=false", *order.backend()],
        [*base, "plan", "-destroy", "-input=false", "-lock=false", *given],
    ]


def plan(order: Order, folder: Path) -> list[list[str]]:
    """The commands of a plan with an account: it locks nothing and writes nothing.

    Args:
        order: what would be deployed.
        folder: a copy of the configuration that may be written to.
    """
    base = ["terraform", f"-chdir={folder}"]
    given = [*order.given(), *order.state(), *order.target()]
    return [
        [*base, "init", "-input=false", *order.backend()],
        [*base, "plan", "-input=false", "-lock=false", *given],
    ]


def mocked_plan(order: Order, folder: Path) -> list[list[str]]:
    """The commands of a plan without an account, by `terraform test` with a mocked provider.

    Args:
        order: what would be deployed.
        folder: a copy of the configuration that may be written to.
    """
    name = "tests/dry_run.tftest.hcl"
    held = ", ".join(order.targets())
    only = f"\n  plan_options {{\n    target = [{held}]\n  }}" if held else ""
    (folder / name).parent.mkdir(exist_ok=True)
    # A mocked provider imports only what is named here: a bucket that is there already.
    taken_over = "override_resource {\n  target = google_storage_bucket.films\n}\n\n"
    run = f'run "plan" {{\n  command = plan{only}\n}}\n'
    (folder / name).write_text(f'mock_provider "google" {{}}\n\n{taken_over}{run}', "utf-8")
    base = ["terraform", f"-chdir={folder}"]
    files = [*folder.glob("*.auto.tfvars"), *folder.glob("terraform.tfvars"), order.variable_file]
    # Of a name in a file that is no variable, `test` says nothing, and this does.
    names = [[*base, "console", *order.given()]] if any(files) else []
    return [
        [*base, "init", "-input=false", "-backend=false"],
        *names,
        [*base, "test", "-verbose", f"-filter={name}", *order.given()],
    ]


def run(order: Order, command: list[str], *, data: Path, quiet: bool = False) -> int:
    """Run one command in the foreground.

    Args:
        order: with whose rights.
        command: as one of the functions above gives it.
        data: where Terraform keeps providers.
        quiet: whether its output is shown only when it fails.

    Returns:
        Its exit status.
    """
    sys.stdout.flush()
    ran = subprocess.run(  # noqa: S603 - our own command; a person's words are arguments, never a shell's
        command,
        env=order.environ(data),
        check=False,
        # A console that is asked nothing ends at once; a person answers the question of an apply.
        stdin=subprocess.DEVNULL if "console" in command else None,
        stdout=subprocess.PIPE if quiet else None,
        text=True,
    )
    if quiet and ran.returncode:
        sys.stdout.write(ran.stdout)
    return ran.returncode


def run_heard(order: Order, command: list[str], *, data: Path) -> tuple[int, str]:
    """Run one command in the foreground, and keep what it says to standard error.

    Args:
        order: with whose rights.
        command: as one of the functions above gives it.
        data: where Terraform keeps providers.

    Returns:
        Its exit status, and what it said there; that was shown as it came.
    """
    sys.stdout.flush()
    said = []
    with subprocess.Popen(  # noqa: S603 - as above
        command, env=order.environ(data), stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            sys.stderr.write(line)
    return process.returncode, "".join(said)
