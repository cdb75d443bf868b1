"""`infra/dev deploy`: build the zip, then Terraform; with --dry-run only Terraform's own plan.

Owns the command line. What the settings come to, and whether they are allowed, is Terraform's to
say and is not worked out here. Refuses only what is seen without it: a `--var` without a value or
of an unknown name, and a file of variables that is not there. The standard library is enough.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.deploy import dry_run, package, terraform
from infra.deploy.terraform import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `infra/dev deploy`.

    Returns:
        The exit status: 0, 1 for a mistake that is seen without Terraform, 3 for a missing
        Terraform, or Terraform's own.
    """
    options = _options(arguments)
    try:
        built = package.build(ROOT)
    except (OSError, ValueError) as error:
        complaints = [str(error)]
    else:
        complaints = list(_complaints(options))
    if complaints:
        sys.stderr.writelines(f"infra/dev deploy: {text}\n" for text in complaints)
        return 1
    order = Order(
        root=ROOT,
        project=options.project,
        region=options.region,
        variables=tuple(options.var),
        variable_file=options.var_file,
        secrets_first=options.secrets_first,
        zip_name=built.name,
    )
    if options.dry_run:
        return dry_run.run(order, built)
    return _deploy(order, built, ask=not options.yes)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/dev deploy", description=__doc__)
    parser.add_argument("--project", required=True, help="the id of the Google Cloud project")
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
        "--dry-run",
        action="store_true",
        help="change nothing and show Terraform's plan; without credentials, by a mocked provider",
    )
    parser.add_argument(
        "--secrets-first",
        action="store_true",
        help="the first time: make only the containers of secrets, so that they can be filled",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    return parser.parse_args(arguments)


def _complaints(options: argparse.Namespace) -> Iterator[str]:
    """What is wrong in the settings, as far as it is seen without Terraform."""
    text = (ROOT / terraform.FOLDER / "variables.tf").read_text("utf-8")
    known = sorted(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    for given in options.var:
        name, equals, _ = given.partition("=")
        if not equals:
            yield f"--var {given}: write NAME=VALUE"
        elif name not in known:
            yield f"unknown variable {name}; there are: {', '.join(known)}"
    if options.var_file and not options.var_file.is_file():
        yield f"--var-file {options.var_file}: there is no such file"


def _deploy(order: Order, built: package.Package, *, ask: bool) -> int:
    if not terraform.installed():
        sys.stderr.write(f"infra/dev deploy: {terraform.MISSING}\n")
        return 3
    path = built.write(order.kept)
    sys.stdout.write(f"· zip {path}: {len(built.files)} files\n")
    for command in terraform.deployment(order, ask=ask):
        sys.stdout.write(f"· {' '.join(command[:3])}\n")
        # Each project keeps its own providers' folder, so that two of them never share a lock.
        if status := terraform.run(command, data=order.kept / "terraform"):
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
