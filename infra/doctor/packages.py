"""The environment of this checkout: its Python, and every package exactly as it is pinned.

Reads the requirements files as pip does, as far as this project uses their grammar: `name==version`
with comments, hashes and `-r`. Installs nothing.
"""

from __future__ import annotations

import platform
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.doctor.report import Report

LEAST_PYTHON = (3, 11)
PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)")
NAMED_AT_MOST = 4


def examine(report: Report, root: Path) -> None:
    """The lines about Python and the packages.

    Args:
        report: takes them.
        root: the checkout.
    """
    version = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        report.fault(
            "python",
            f"{version} in .venv; {least} is the oldest that works",
            f"rm -r {root / '.venv'} && PYTHON=python{least} infra/dev check",
        )
    else:
        report.fine("python", f"{version} in .venv")
    _installed(report, root, "infra/requirements-dev.txt", "packages")
    _installed(report, root, "infra/requirements.lock", "lock", "--require-hashes ")
    # Whoever has installed the clients, by `infra/dev test --all`, has a mark of it.
    if (root / ".venv/.clients").exists():
        _installed(report, root, "infra/requirements-clients.txt", "clients")


def _installed(report: Report, root: Path, name: str, subject: str, option: str = "") -> None:
    if not (root / name).is_file():
        report.fault(subject, f"{name} is missing", f"git checkout -- {name}")
        return
    pins = dict(pinned(root / name))
    wrong = [
        f"{package} {found or 'missing'} instead of {wanted}"
        for package, wanted in pins.items()
        if (found := _version(package)) != wanted
    ]
    if not wrong:
        report.fine(subject, f"{len(pins)} as {name} pins them")
        return
    more = f" and {len(wrong) - NAMED_AT_MOST} more" if len(wrong) > NAMED_AT_MOST else ""
    report.fault(
        subject,
        f"{', '.join(wrong[:NAMED_AT_MOST])}{more}",
        f".venv/bin/python -m pip install {option}-r {name}",
    )


def pinned(path: Path) -> Iterator[tuple[str, str]]:
    """What a requirements file pins, and the files that it includes.

    Args:
        path: of the file.

    Yields:
        A package's name and its version.
    """
    for line in path.read_text("utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from pinned(path.parent / text.removeprefix("-r ").strip())
        elif found := PIN.match(text):
            yield found[1], found[2]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
