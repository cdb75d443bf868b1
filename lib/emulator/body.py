"""The body of an emulator's answer as a file that a client reads, and how an app cuts it.

Knows WSGI's chunks and nothing of what they say.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Dropped(Exception):
    """Raised by an app (before or while answering) to cut the connection without an answer."""


class Body(io.RawIOBase):
    """A WSGI answer as the file object that urllib3 reads, chunk by chunk."""

    def __init__(self, chunks: Iterator[bytes], answer: Iterable[bytes]) -> None:
        self._chunks, self._answer, self._rest = chunks, answer, b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; 0 at the end, a reset where the app cut."""
        while not self._rest:
            try:
                self._rest = next(self._chunks, b"") or b""
            except Dropped as dropped:
                raise ConnectionResetError(str(dropped)) from dropped
            if not self._rest:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def read1(self, size: int = -1) -> bytes:
        """What the app gave next, as a socket gives what has arrived."""
        return self.read(size) or b""

    def close(self) -> None:
        """Close the app's iterable too (PEP 3333)."""
        close = getattr(self._answer, "close", None)
        if close and not self.closed:
            close()
        super().close()
