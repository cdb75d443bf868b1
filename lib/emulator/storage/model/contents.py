"""The bytes of objects: in memory, or one file for each content under the data folder.

A content is written once and never changed; its checksums are taken on the way in. A file appears
under its final name only when it is whole, so a killed process leaves whole contents and files that
no object uses, never half an object. It knows nothing of names and generations.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import google_crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 18


@dataclass(frozen=True)
class Content:
    """The bytes of one generation.

    Attributes:
        size: bytes.
        md5: base64 MD5.
        crc32c: base64 of the big-endian CRC32C.
        data: the bytes, when they are in memory.
        file: where they are, when they are not.
    """

    size: int
    md5: str
    crc32c: str
    data: bytes = field(default=b"", repr=False)
    file: Path | None = None

    def read(self) -> bytes:
        """All bytes."""
        return self.data if self.file is None else self.file.read_bytes()

    def blocks(self, first: int, length: int) -> Iterator[bytes]:
        """A part in blocks; the file is opened at once, so a later delete does not matter."""
        if self.file is None:
            return _slices(memoryview(self.data)[first : first + length])
        return _Reading(self.file, first, length)


def _slices(view: memoryview) -> Iterator[bytes]:
    return (bytes(view[at : at + BLOCK]) for at in range(0, len(view), BLOCK))


class _Reading:
    """A part of a file in blocks; closed at its end, or by who gives up before."""

    def __init__(self, path: Path, first: int, length: int) -> None:
        self._handle, self._left = path.open("rb"), length
        self._handle.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._handle.read(min(BLOCK, self._left)) if self._left else b""
        if not block:
            self.close()
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._left = 0
        self._handle.close()


def checksums(data: bytes) -> tuple[str, str]:
    """Base64 MD5 and base64 CRC32C, as the service writes them ("Hashes and ETags")."""
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    crc = google_crc32c.value(data).to_bytes(4, "big")
    return base64.b64encode(md5).decode(), base64.b64encode(crc).decode()


class Contents:
    """Where contents are kept.

    Args:
        folder: a folder of their own; None keeps them in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes) -> Content:
        """Keep some bytes; they belong to an object only once the index says so."""
        md5, crc32c = checksums(data)
        if self._folder is None:
            return Content(len(data), md5, crc32c, data)
        name = secrets.token_hex(16)
        draft = self._folder / f"{name}.part"
        draft.write_bytes(data)
        final = draft.rename(self._folder / name)
        return Content(len(data), md5, crc32c, file=final)

    def found(self, name: str, size: int, md5: str, crc32c: str) -> Content | None:
        """A content kept by an earlier process; None when it is not there whole."""
        file = self._folder / name if self._folder else None
        if file is None or not file.is_file() or file.stat().st_size != size:
            return None
        return Content(size, md5, crc32c, file=file)

    def drop(self, content: Content) -> None:
        """Forget a content."""
        if content.file is not None:
            content.file.unlink(missing_ok=True)

    def sweep(self, used: set[str]) -> None:
        """Remove what no object uses: what a killed process left."""
        for file in self._folder.iterdir() if self._folder else ():
            if file.name not in used:
                file.unlink()
