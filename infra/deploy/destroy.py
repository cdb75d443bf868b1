"""`infra/dev destroy`: takes a deployment down, and leaves what nobody can make again.

Owns the command line and the words about what stays. Refuses to delete films, jobs and the values
of secrets: how that is done by hand is printed at the end. The standard library is enough.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.deploy import dry_run, options, package, terraform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.deploy.terraform import Order

ROOT = Path(__file__).resolve().parents[2]
STAYS = """
What stays, and is billed as before:
· the bucket with jobs and films, the secrets with their values, the services that are switched on
· {state}, which remembers them
To go on with the same films: infra/dev deploy --project {project} --name {name}

To delete these as well, for good (BUCKET is {project}-{name} unless you chose another):
  gcloud storage rm gs://BUCKET --recursive
  gcloud secrets delete {name}-upstream --project={project}
  gcloud secrets delete {name}-owner-keys --project={project}
  gcloud secrets delete {name}-webhook --project={project}
and then {forget}
Before the bucket goes, what was deleted of late can still be restored; afterwards nothing can.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `infra/dev destroy`.

    Returns:
        The exit status: 0, 1 for a mistake that is seen without Terraform, 3 for a missing
        Terraform, or Terraform's own.
    """
    parser = argparse.ArgumentParser(prog="infra/dev destroy", description=__doc__)
    options.add(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would go; change nothing")
    given = parser.parse_args(arguments)
    if complaints := list(options.complaints(given, ROOT)):
        sys.stderr.writelines(f"infra/dev destroy: {text}\n" for text in complaints)
        return 1
    built = package.build(ROOT)
    order = options.order(given, ROOT, built.name)
    if given.dry_run:
        return _dry_run(order, built)
    if not terraform.installed():
        sys.stderr.write(f"infra/dev destroy: {terraform.MISSING}\n")
        return 3
    # A variable's rule wants the zip to be there, whatever becomes of it.
    built.write(order.kept)
    for command in terraform.destruction(order, ask=not given.yes):
        sys.stdout.write(f"· {' '.join(command[:3])}\n")
        if status := terraform.run(order, command, data=order.kept / "terraform"):
            return status
    sys.stdout.write(_stays(order))
    return 0


def _dry_run(order: Order, built: package.Package) -> int:
    gone = [one for one in terraform.addresses(order.folder) if one not in terraform.STAYS]
    sys.stdout.write("What would go, as far as it is there:\n")
    sys.stdout.writelines(f"· {one}\n" for one in gone)
    status = 0
    if not terraform.installed():
        sys.stdout.write(f"Nothing was planned: {terraform.MISSING}\n")
        status = 3
    elif not dry_run.has_credentials(os.environ, Path.home()):
        sys.stdout.write(
            "Nothing was planned: no credentials were found (gcloud auth login --update-adc).\n"
        )
    else:
        status = dry_run.planned(order, built, terraform.destruction_plan)
    sys.stdout.write(_stays(order) + dry_run.UNCHANGED)
    return status


def _stays(order: Order) -> str:
    shared = (order.folder / terraform.BACKEND).exists()
    where = f"state {terraform.prefix(order.project, order.name)} of your backend"
    state = f"the {where}" if shared else f"the state in {order.kept}"
    forget = f"delete the {where}." if shared else f"rm -r {order.kept}"
    return STAYS.format(state=state, forget=forget, project=order.project, name=order.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
