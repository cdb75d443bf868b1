"""`infra/dev deploy`: build the zip, then Terraform; with --dry-run only Terraform's own plan.

Owns the command line of a deployment. What the settings come to, and whether they are allowed, is
Terraform's to say and is not worked out here. The standard library is enough.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.deploy import dry_run, options, package, patience, terraform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.deploy.terraform import Order

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `infra/dev deploy`.

    Returns:
        The exit status: 0, 1 for a mistake that is seen without Terraform, 3 for a missing
        Terraform, or Terraform's own.
    """
    given = _parsed(arguments)
    complaints = list(options.complaints(given, ROOT))
    try:
        built = package.build(ROOT)
    except (OSError, ValueError) as error:
        complaints = [str(error)]
    if complaints:
        sys.stderr.writelines(f"infra/dev deploy: {text}\n" for text in complaints)
        return 1
    order = options.order(given, ROOT, built.name)
    if given.dry_run:
        return dry_run.run(order, built)
    return _deploy(order, built, ask=not given.yes, patience_s=given.patience)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/dev deploy", description=__doc__)
    options.add(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing and show Terraform's plan; without credentials, by a mocked provider",
    )
    parser.add_argument(
        "--secrets-first",
        action="store_true",
        help="the first time: make the containers of secrets, so that they can be filled, and what "
        "Google needs minutes to learn of (roles, metrics)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=patience.PATIENCE_S,
        metavar="SECONDS",
        help="for how long to wait and apply again while Google learns of what is new; 0: never",
    )
    return parser.parse_args(arguments)


def _deploy(order: Order, built: package.Package, *, ask: bool, patience_s: float) -> int:
    if not terraform.installed():
        sys.stderr.write(f"infra/dev deploy: {terraform.MISSING}\n")
        return 3
    path = built.write(order.kept)
    sys.stdout.write(f"· zip {path}: {len(built.files)} files\n")
    # Each deployment keeps its own providers' folder, so that two of them never share a lock.
    data = order.kept / "terraform"
    for command in terraform.deployment(order, ask=ask):
        sys.stdout.write(f"· {' '.join(command[:3])}\n")
        if "apply" in command:
            status = patience.apply(order, command, data=data, patience_s=patience_s)
        else:
            status = terraform.run(order, command, data=data)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
