"""infra/requirements.lock: what is deployed, every package with its version and its hashes.

Says what does not fit (`python infra/lock.py`, a step of `infra/dev check`), and prints the
versions alone for `pip -c` (`python infra/lock.py constraints`), since pip takes hashes for
everything or for nothing. Asks no registry; `infra/dev lock` makes the file.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = "infra/requirements.lock"
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+]+)(?:\s*;\s*(.+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One package of a lock.

    Attributes:
        name: as PEP 503 writes it.
        version: the only one that is installed.
        marker: where it is needed; empty for everywhere.
        hashes: of its files.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def entries(text: str) -> tuple[Entry, ...]:
    """The packages of a lock.

    Args:
        text: a requirements file with `--hash` options.

    Raises:
        ValueError: a line is something else than a pinned package with hashes.
    """
    without = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for line in without.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        pin, *hashes = re.split(r"\s+(?=--hash)", line.strip())
        match = PIN.fullmatch(pin.strip())
        if not match or not hashes or not all(HASH.fullmatch(one.strip()) for one in hashes):
            raise ValueError(f"{pin[:60]!r} is not a pinned package with SHA-256 hashes")
        found.append(Entry(_plain(match[1]), match[2], match[3] or "", tuple(hashes)))
    return tuple(found)


def pins(text: str) -> dict[str, str]:
    """The names and versions that a requirements file for people pins."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    matches = (PIN.fullmatch(line) for line in lines if line)
    return {_plain(match[1]): match[2] for match in matches if match}


def broken(root: Path) -> list[str]:
    """What does not fit, as sentences.

    Args:
        root: of a checkout.
    """
    try:
        locked = {entry.name: entry for entry in entries((root / LOCK).read_text("utf-8"))}
    except (OSError, ValueError) as reason:
        return [f"{LOCK}: {reason}; infra/dev lock makes it"]
    found = []
    for name in ("requirements.txt", "infra/requirements-dev.txt"):
        for package, version in pins((root / name).read_text("utf-8")).items():
            entry = locked.get(package)
            if entry is None and name == "requirements.txt":
                found.append(f"{LOCK}: {package} of {name} is missing; run infra/dev lock")
            elif entry and entry.version != version:
                found.append(
                    f"{LOCK}: has {package} {entry.version}, {name} has {version}; "
                    "run infra/dev lock, or change the pin"
                )
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _constraints() -> None:
    for entry in entries((ROOT / LOCK).read_text("utf-8")):
        marker = f" ; {entry.marker}" if entry.marker else ""
        sys.stdout.write(f"{entry.name}=={entry.version}{marker}\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["constraints"]:
        _constraints()
        sys.exit(0)
    complaints = broken(ROOT)
    for complaint in complaints:
        sys.stderr.write(f"  {complaint}\n")
    sys.exit(bool(complaints))
