"""`infra/dev deploy --dry-run`: what goes up, then Terraform's own plan; nothing is changed.

With credentials on the machine it is `terraform plan`; with none it is the plan of `terraform test`
against a mocked provider; without Terraform there is no plan. Says which of them it was, and never
more than was checked. Works in a temporary copy of the configuration and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.deploy import terraform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra.deploy.package import Package
    from infra.deploy.terraform import Order

# Where the google provider looks (its documentation, "Authentication"); Cloud Shell has an account.
CREDENTIALS = (
    *("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON"),
    *("GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUD_SHELL"),
)
UNCHANGED = "Nothing was changed.\n"
NOT_PLANNED = (
    f"Nothing was planned: {terraform.MISSING}\nInstall it and run this again. Only the "
    "files of the zip and the names given by --var were checked,\nneither a value nor a resource.\n"
)
REFUSED = "Nothing was planned: the error above is Terraform's.\n"
PLANNED = (
    "Planned by Terraform with the credentials of this machine, against the project's state.\n"
    "What Google refuses is seen only when it is applied.\n"
)
MOCKED = (
    "Planned by Terraform against a mocked provider, as if nothing existed yet: no credentials\n"
    "were found (`gcloud auth login --update-adc` makes some). Checked were the types and\n"
    "rules of the variables, and the configuration against the provider's schema. Google was not\n"
    "asked: neither what exists, nor what you may do, nor whether it accepts these values.\n"
)


def run(order: Order, built: Package) -> int:
    """Show what would be done.

    Args:
        order: what would be deployed.
        built: what would go up.

    Returns:
        The exit status: 0 for a plan, 3 without Terraform, or Terraform's own.
    """
    sys.stdout.write(_contents(built))
    if not terraform.installed():
        sys.stdout.write(NOT_PLANNED + UNCHANGED)
        return 3
    account = has_credentials(os.environ, Path.home())
    status = planned(order, built, terraform.plan if account else terraform.mocked_plan)
    ending = REFUSED if status else PLANNED if account else MOCKED
    sys.stdout.write(f"\n{ending}{UNCHANGED}")
    return status


def planned(order: Order, built: Package, plan: Callable[[Order, Path], list[list[str]]]) -> int:
    """Run a plan's commands on a copy of the configuration that is thrown away.

    Args:
        order: what is planned.
        built: the zip that the plan names.
        plan: gives the commands; only a mocked one works without the backend.

    Returns:
        Terraform's exit status.
    """
    left = [".terraform", "*.tfstate*"]
    left += [terraform.BACKEND] if plan is terraform.mocked_plan else []
    with tempfile.TemporaryDirectory(prefix="inbetween-") as place, _placed(order, built):
        folder, data = Path(place, "terraform"), Path(place, "data")
        shutil.copytree(order.folder, folder, ignore=shutil.ignore_patterns(*left))
        status = 0
        for command in plan(order, folder):
            status = status or terraform.run(order, command, data=data, quiet="init" in command)
    return status


def has_credentials(environ: Mapping[str, str], home: Path) -> bool:
    """Whether the provider would find credentials; whether they are good is not asked.

    Args:
        environ: the environment.
        home: the person's folder, in which gcloud keeps its own.
    """
    folder = Path(environ.get("CLOUDSDK_CONFIG") or home / ".config/gcloud")
    made = (folder / "application_default_credentials.json").is_file()
    return made or any(environ.get(name) for name in CREDENTIALS)


def _contents(built: Package) -> str:
    folders: dict[str, int] = {}
    for name in built.files:
        folder = "/".join(name.split("/")[:2]) if name.count("/") > 1 else name
        folders[folder] = folders.get(folder, 0) + 1
    inside = ", ".join(f"{name} ({size})" if size > 1 else name for name, size in folders.items())
    size = f"{len(built.files)} files, {len(built.content):,} bytes"
    return f"zip: {size}, sha256 {built.sha256}\n{inside}\n\n"


@contextmanager
def _placed(order: Order, built: Package) -> Iterator[None]:
    """The zip where a deployment puts it, for as long as the plan takes."""
    if order.zip_path.exists():
        yield
        return
    made = [one for one in (order.kept, *order.kept.parents) if not one.exists()]
    built.write(order.kept)
    try:
        yield
    finally:
        order.zip_path.unlink()
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()
