"""The zip that goes up: exactly main.py, requirements.txt and lib without its stand-ins.

Its requirements.txt is the lock, every package with its version and hashes, so that pip or uv,
which build the functions, install those files and no others. The same files are the same bytes on
every machine: names in order, no times, no owners, nothing compressed (two versions of zlib do not
agree). Its name is its SHA-256. Refuses links and leaves everything hidden where it is.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ALONE = ("main.py", "requirements.txt")
LOCK = "infra/requirements.lock"
# The stand-ins and the command line; .gcloudignore says the same for who deploys with gcloud.
STAYS = ("lib/emulator/", "lib/cli/", "lib/cli.py")
JUNK = ("__pycache__",)
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
MODE = 0o100644


@dataclass(frozen=True)
class Package:
    """A built zip.

    Attributes:
        files: the names inside, in order.
        content: the bytes.
        sha256: of the bytes, in hex.
    """

    files: tuple[str, ...]
    content: bytes
    sha256: str

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"inbetween-{self.sha256}.zip"

    def write(self, folder: Path) -> Path:
        """Put it down under its own name.

        Args:
            folder: made if it is not there.

        Returns:
            Where it is.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.name
        path.write_bytes(self.content)
        return path


def files(root: Path) -> tuple[str, ...]:
    """What goes up, as names below the root.

    Raises:
        FileNotFoundError: main.py, requirements.txt or lib is missing.
        ValueError: one of the files is a link.
    """
    found = [root / name for name in ALONE]
    found += [path for path in (root / "lib").rglob("*") if path.is_file()]
    for path in found:
        if path.is_symlink():
            raise ValueError(f"{path} is a link; a zip for the cloud holds files only.")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; run this from a whole checkout.")
    if len(found) == len(ALONE):
        raise FileNotFoundError(f"{root / 'lib'} is missing; run this from a whole checkout.")
    names = (path.relative_to(root).as_posix() for path in found)
    return tuple(sorted(name for name in names if _goes_up(name)))


def build(root: Path) -> Package:
    """The zip of a checkout, in memory.

    Args:
        root: the folder of main.py.

    Raises:
        FileNotFoundError: the lock is missing, or what `files` names.
        ValueError: one of the files is a link.
    """
    names = files(root)
    if not (root / LOCK).is_file():
        raise FileNotFoundError(f"{root / LOCK} is missing; infra/dev lock makes it.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, BEGINNING)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = MODE << 16
            path = root / (LOCK if name == "requirements.txt" else name)
            archive.writestr(entry, path.read_bytes())
    content = buffer.getvalue()
    return Package(names, content, hashlib.sha256(content).hexdigest())


def _goes_up(name: str) -> bool:
    parts = name.split("/")
    hidden = any(part.startswith(".") or part in JUNK for part in parts)
    return not hidden and not name.endswith((".pyc", "~")) and not name.startswith(STAYS)
