"""`infra/dev deploy`: build the zip, then Terraform; with --dry-run only say what would be done.

A dry run needs no account, no network and no Terraform. A real one keeps the state of each project
below .inbetween/deploy, unless infra/terraform/backend.tf says where else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.deploy import package, plan
from infra.deploy.hcl import Unreadable, expression, parse
from infra.deploy.model import Model
from infra.deploy.values import Scope, Wrong, value

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra/terraform"
NO_TERRAFORM = (
    "terraform is not installed; infra/dev deploy needs 1.9 or newer "
    "(https://developer.hashicorp.com/terraform/install). --dry-run works without it."
)


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what stands behind `infra/dev deploy`.

    Returns:
        The exit status: 0, 1 for a mistake in the settings, 3 for a missing tool, or Terraform's.
    """
    options = _options(arguments)
    try:
        built = package.build(ROOT)
        variables = _variables(options)
        path = _home(options.project) / f"inbetween-{built.sha256}.zip"
        commands = _commands(options, path)
        # The rule that asks for the file is kept by building it: a dry run leaves none behind.
        model = Model(TERRAFORM, {**variables, "source_zip": str(ROOT / "main.py")})
        complaints = [*model.refused(), *model.broken()]
    except (Wrong, Unreadable, OSError, ValueError) as error:
        complaints = [str(error)]
    if complaints:
        sys.stderr.writelines(f"infra/dev deploy: {text}\n" for text in complaints)
        return 1
    if options.dry_run:
        _print(model, built, commands, options)
        return 0
    return _deploy(built, path, commands, options)


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
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--secrets-first",
        action="store_true",
        help="the first time: make only the containers of secrets, so that they can be filled",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before changing anything")
    return parser.parse_args(arguments)


def _variables(options: argparse.Namespace) -> dict[str, Any]:
    """Every variable that is given: by file, then by --var, then by an option of its own."""
    given: dict[str, Any] = {}
    files = sorted(TERRAFORM.glob("*.auto.tfvars"))
    for path in [*files, *([options.var_file] if options.var_file else [])]:
        given |= {
            name: value(node, _literals())
            for name, node in parse(path.read_text("utf-8"), path.name).values.items()
        }
    for text in options.var:
        name, equals, written = text.partition("=")
        if not equals:
            raise Wrong(f"--var {text}: write NAME=VALUE")
        given[name] = _written(name, written)
    given["project"] = options.project
    if options.region:
        given["region"] = options.region
    return given


def _written(name: str, text: str) -> Any:
    """A value from the command line, as Terraform reads it: by the variable's type."""
    declared = Model(TERRAFORM, {"project": "", "source_zip": ""}).blocks("variable").get(name)
    if declared is None or declared.values["type"] == ("root", "string"):
        return text
    return value(expression(text, f"--var {name}"), _literals())


def _literals() -> Scope:
    def unknown(name: str) -> Any:
        raise Wrong(f"{name}: only plain values can be given here; texts stand in quotes")

    return Scope(unknown, {}, ROOT)


def _home(project: str) -> Path:
    return ROOT / ".inbetween/deploy" / project


def _commands(options: argparse.Namespace, path: Path) -> list[list[str]]:
    base = ["terraform", f"-chdir={TERRAFORM}"]
    given = [f"-var-file={options.var_file.resolve()}"] if options.var_file else []
    given += [f"-var={text}" for text in options.var]
    given += [f"-var=region={options.region}"] if options.region else []
    given += [f"-var=project={options.project}", f"-var=source_zip={path}"]
    if not (TERRAFORM / "backend.tf").exists():
        given.append(f"-state={_home(options.project) / 'terraform.tfstate'}")
    if options.secrets_first:
        given.append("-target=google_secret_manager_secret.secret")
    if options.yes:
        given.append("-auto-approve")
    return [[*base, "init", "-input=false"], [*base, "apply", "-input=false", *given]]


def _print(
    model: Model,
    built: package.Package,
    commands: Sequence[Sequence[str]],
    options: argparse.Namespace,
) -> None:
    region, made = model.variables["region"], plan.count(model)
    lines = [
        f"plan for project {options.project} in {region}: {made} resources the first time",
        *(["--secrets-first makes the services and the secrets only"] * options.secrets_first),
        "",
        *plan.told(model, built, commands),
        "Nothing was changed." + ("" if shutil.which("terraform") else f" {NO_TERRAFORM}"),
    ]
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def _deploy(
    built: package.Package,
    path: Path,
    commands: Sequence[Sequence[str]],
    options: argparse.Namespace,
) -> int:
    if not shutil.which("terraform"):
        sys.stderr.write(f"infra/dev deploy: {NO_TERRAFORM}\n")
        return 3
    built.write(path.parent)
    print(f"· zip {path}: {len(built.files)} files")  # noqa: T201 - a command's answer
    # Each project keeps its own providers' folder, so that two of them never share a lock.
    environ = {**os.environ, "TF_DATA_DIR": str(_home(options.project) / "terraform")}
    for command in commands:
        print(f"· {' '.join(command[:3])}", flush=True)  # noqa: T201 - as above
        status = subprocess.run(command, env=environ, check=False).returncode  # noqa: S603 - ours
        if status:
            return status
    if options.secrets_first:
        fill = Model(TERRAFORM, {**_variables(options), "source_zip": str(path)}).outputs()
        print(json.dumps(fill["secrets_to_fill"], indent=2, ensure_ascii=False))  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
