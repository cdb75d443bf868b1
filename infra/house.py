"""The rules of the house that no linter knows: prints what breaks them and ends with 1.

Sizes of modules and functions, who reads the environment, how requirements are pinned, and what
lies at the top level.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from measures import function_lines

ROOT = Path(__file__).resolve().parents[1]
MODULE_AT_MOST, FUNCTION_AT_MOST = 260, 40
REQUIREMENTS = {f"infra/requirements-{name}.txt" for name in ("dev", "clients", "lock")}
TOP = {"main.py", "requirements.txt", "lib", "tests", "infra", "README.md", "pyproject.toml"}
READS_ENVIRON = {"lib/config/__init__.py", "lib/cli/__main__.py"}


def tracked(root: Path) -> list[str]:
    """The files of the project, committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(  # noqa: S603 - our own command
        command, cwd=root, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if (root / name).exists()]


def broken(root: Path) -> list[str]:
    """Every broken rule, as a sentence."""
    files = tracked(root)
    found = [
        f"{top}: the top level is fixed"
        for top in sorted({name.split("/")[0] for name in files})
        if top not in TOP and not top.startswith(".")
    ]
    for name in files:
        if name.endswith(".py") and (name.startswith("lib/") or name == "main.py"):
            found += _module(name, (root / name).read_text("utf-8"))
    for name in ("requirements.txt", *sorted(set(files) & REQUIREMENTS)):
        found += _pins(name, (root / name).read_text("utf-8"))
    return found


def _module(name: str, text: str) -> list[str]:
    tree = ast.parse(text)
    found = []
    lines = text.count("\n")
    if lines > MODULE_AT_MOST:
        found.append(f"{name}: {lines} lines; a module has at most {MODULE_AT_MOST}")
    if "environ" in text and name not in READS_ENVIRON:
        found += [
            f"{name}:{node.lineno}: only config reads os.environ"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr in {"environ", "getenv"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        ]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            size = function_lines(node)
            if size > FUNCTION_AT_MOST:
                found.append(f"{name}:{node.lineno}: {node.name} has {size} lines")
    return found


def _pins(name: str, text: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [
        f"{name}: {line!r} is not pinned"
        for line in lines
        if line and not line.startswith("-r ") and "==" not in line
    ]


if __name__ == "__main__":
    complaints = broken(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for complaint in complaints:
        sys.stderr.write(f"  {complaint}\n")
    sys.exit(bool(complaints))
