"""The checkout itself: disk space, what git would hide or publish, and who may read its secrets.

Looks only at names and modes of files, and reads none of them.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.doctor.report import Report

LEAST_FREE = 1 << 30  # bytes: .venv takes 700 MB, films and clients the rest
OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Names that a new file of ours could have; git is asked whether it would take them.
OURS = ("lib/core/new.py", "infra/new.py", "tests/new.py", "infra/terraform/new.tf")
SECRET = (
    ".env",
    ".env.*",
    "*credentials*.json",
    ".inbetween/signing-key.json",
    ".inbetween/deploy/*/*.tfstate",
    ".inbetween/deploy/*/*/*.tfstate",
    "infra/terraform/*.auto.tfvars",
    "infra/terraform/terraform.tfvars",
)
NAMED_BY = ("GOOGLE_APPLICATION_CREDENTIALS", "SIGNING_KEY_FILE")


def examine(report: Report, root: Path, environ: Mapping[str, str]) -> None:
    """The lines about the checkout.

    Args:
        report: takes them.
        root: the checkout.
        environ: names to values; some name files with secrets.
    """
    free = shutil.disk_usage(root).free
    if free < LEAST_FREE:
        report.fault(
            "disk",
            f"{free / (1 << 30):.1f} GiB free; {LEAST_FREE >> 30} GiB are needed",
            f"rm -r {root / '.inbetween/films'} (films of infra/dev run), or free space elsewhere",
        )
    else:
        report.fine("disk", f"{free / (1 << 30):.0f} GiB free")
    if _git(root, "rev-parse", "--is-inside-work-tree") != "true\n":
        report.left_out("git ignores", "not a git checkout")
    else:
        _ignores(report, root)
    _secrets(report, root, environ)


def _ignores(report: Report, root: Path) -> None:
    # A stock .gitignore for Python, or one of the person's own, hides `lib/`, which is our source.
    hidden = _git(root, "check-ignore", "--no-index", "--verbose", *OURS).splitlines()
    for line in hidden:
        rule, _, name = line.partition("\t")
        source, number, pattern = rule.split(":", 2)
        source = source.replace(str(Path.home()), "~", 1)
        report.fault(
            "git ignores",
            f"new files in {Path(name).parent} would never be committed: {pattern!r} in {source}, "
            f"line {number}",
            f"remove line {number} of {source}",
        )
    if not hidden:
        report.fine("git ignores", "nothing of lib, infra and tests")


def _secrets(report: Report, root: Path, environ: Mapping[str, str]) -> None:
    before, paths = report.faults, list(_secret_files(root, environ))
    for path in paths:
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        mode = path.stat().st_mode
        if mode & OTHERS:
            found = f"{shown} can be read by others (mode {stat.S_IMODE(mode):04o})"
            report.fault("secrets", found, f"chmod 600 {shown}")
        if path.is_relative_to(root) and _would_commit(root, path):
            report.fault(
                "secrets",
                f"{shown} is not ignored: the next git add would take it",
                f"echo '/{shown}' >> .git/info/exclude",
            )
    if report.faults == before:
        number = f"{len(paths)} file{'s' * (len(paths) > 1)}"
        report.fine("secrets", f"{number}, readable by you alone" if paths else "no such files")


def _secret_files(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    found = {path for pattern in SECRET for path in root.glob(pattern)}
    found |= {Path(environ[name]) for name in NAMED_BY if environ.get(name)}
    yield from sorted(path for path in found if path.is_file())


def _would_commit(root: Path, path: Path) -> bool:
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "--", str(path))
    return bool(listed)


def _git(root: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    ran = subprocess.run(  # noqa: S603 - questions of ours, which change nothing
        [git, "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
    return ran.stdout
