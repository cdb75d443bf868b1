"""What `infra/dev deploy` and `infra/dev destroy` are told: project, name, variables, whose rights.

Owns the options that both know, and reads from them which deployment is meant: its state lies in a
folder of its project and its name. Refuses what cannot be such a folder, a `--var` without a value
or of an unknown name, and a file of variables that is not there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from infra.deploy import terraform
from infra.deploy.terraform import Order

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

USUAL = "inbetween"  # the default of the variable `name`
PROJECT = re.compile(r"[a-z][a-z0-9-]{2,28}[a-z0-9]")
NAME = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")
ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com")


def add(parser: argparse.ArgumentParser) -> None:
    """The options that both commands know."""
    parser.add_argument("--project", required=True, help="the id of the Google Cloud project")
    parser.add_argument(
        "--name",
        help=f"which deployment of the project, when there are several; {USUAL} by default",
    )
    parser.add_argument("--region", help="a Google Cloud region; see variables.tf for the default")
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of variables.tf",
    )
    parser.add_argument("--var-file", type=Path, help="variables in a file, as example.tfvars")
    parser.add_argument(
        "--impersonate",
        metavar="EMAIL",
        help="do it with the rights of this service account (Service Account Token Creator on it)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before changing anything")


def complaints(options: argparse.Namespace, root: Path) -> Iterator[str]:
    """What is wrong in the options, as far as it is seen without Terraform.

    Args:
        options: as they were parsed.
        root: the checkout.
    """
    text = (root / terraform.FOLDER / "variables.tf").read_text("utf-8")
    known = sorted(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    for given in options.var:
        name, equals, _ = given.partition("=")
        if not equals:
            yield f"--var {given}: write NAME=VALUE"
        elif name not in known:
            yield f"unknown variable {name}; there are: {', '.join(known)}"
    if options.var_file and not options.var_file.is_file():
        yield f"--var-file {options.var_file}: there is no such file"
        return
    if options.impersonate and not ACCOUNT.fullmatch(options.impersonate):
        yield f"--impersonate {options.impersonate}: write the e-mail of a service account"
    if not PROJECT.fullmatch(options.project):
        yield f"--project {options.project}: write a project id, such as my-project-id"
    if not NAME.fullmatch(name := named(options, root)):
        yield (
            f"name {name}: write 3 to 20 lower-case letters, digits and hyphens, starting with a "
            "letter, not ending with a hyphen"
        )
    yield from _state_complaints(options, root, name)


def named(options: argparse.Namespace, root: Path) -> str:
    """The name of the deployment, from where Terraform will take it: whoever speaks last counts.

    Args:
        options: as they were parsed.
        root: the checkout, with the files of variables that Terraform reads by itself.
    """
    folder = root / terraform.FOLDER
    ordered = [
        *(folder / name for name in ("terraform.tfvars", "terraform.tfvars.json")),
        *sorted([*folder.glob("*.auto.tfvars"), *folder.glob("*.auto.tfvars.json")]),
        *([options.var_file] if options.var_file else []),
    ]
    said = [name for path in ordered if path.is_file() and (name := _in_file(path))]
    said += [text.partition("=")[2] for text in options.var if text.startswith("name=")]
    said += [options.name] if options.name else []
    return said[-1] if said else USUAL


def order(options: argparse.Namespace, root: Path, zip_name: str) -> Order:
    """What is to be done, for Terraform's commands.

    Args:
        options: as they were parsed; without a complaint.
        root: the checkout.
        zip_name: the name of the built zip.
    """
    return Order(
        root=root,
        project=options.project,
        name=named(options, root),
        region=options.region,
        variables=tuple(options.var),
        variable_file=options.var_file,
        impersonate=options.impersonate,
        secrets_first=getattr(options, "secrets_first", False),
        zip_name=zip_name,
    )


def _in_file(path: Path) -> str | None:
    text = path.read_text("utf-8")
    if path.suffix != ".json":
        found = re.findall(r'^name\s*=\s*"([^"]*)"', text, re.MULTILINE)
        return found[-1] if found else None
    try:
        name = json.loads(text).get("name")
    except (ValueError, AttributeError):
        return None  # Terraform says what is wrong with it
    return name if isinstance(name, str) else None


def _state_complaints(options: argparse.Namespace, root: Path, name: str) -> Iterator[str]:
    """States that two deployments would share, or that would be forgotten."""
    before = root / terraform.KEPT / options.project / terraform.STATE
    if before.is_file():
        there = before.parent / name
        yield (
            f"the state {before} is of a time when a project had one deployment. If that is "
            f"{name}: mkdir -p {there} && mv {before}* {there}/"
        )
    backend = root / terraform.FOLDER / terraform.BACKEND
    if not backend.is_file():
        return
    kept = root / terraform.KEPT / options.project / name
    if (kept / terraform.STATE).is_file():
        yield (
            f"{backend} names another place than this machine, and this machine has a state of "
            f"{name}: everything would be made a second time. Move it there:\n"
            + terraform.moving(root, options.project, name)
        )
    if re.search(r"^\s*prefix\s*=", backend.read_text("utf-8"), re.MULTILINE):
        yield (
            f"{backend}: leave `prefix` out. Each deployment gets its own, "
            f"{terraform.prefix(options.project, name)}; a state under another prefix must be "
            "moved there first (gcloud storage mv), or everything would be made a second time"
        )
