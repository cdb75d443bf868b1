"""A body that is sent block by block, and only as long as a deadline allows.

HTTP clients write a body of bytes in one piece under the timeout of the connect; a slow line needs
a timeout for each block and a limit for all of them. Knows no sockets: whoever sends it asks `read`
for the next block when the last one is out. Small bodies stay bytes, one block is all they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 16384  # what urllib3 asks for; at 2 Mbit/s it is out in 0.07 s
SMALL = 4 * BLOCK


class TooSlow(Exception):
    """The deadline came before the last block: the receiver never gets the whole body."""


class Blocks:
    """A reader over bytes, with a known length.

    Args:
        data: the whole body.
        until: when the last block must have been asked for, Unix seconds.
        now: Unix seconds.

    Attributes:
        ended_at: when the last block was sent, Unix seconds; None before that, and until
            then the receiver cannot have a complete request, whatever else it got.
    """

    def __init__(self, data: bytes, until: float, now: Callable[[], float]) -> None:
        self._data, self._until, self._now = memoryview(data), until, now
        self._at = 0
        self.ended_at: float | None = None

    def __len__(self) -> int:
        return len(self._data)

    def read(self, size: int = -1) -> bytes:
        """The next block; empty at the end.

        Args:
            size: bytes at most; negative for all that is left.

        Raises:
            TooSlow: the deadline is over and something is left.
        """
        if self._at >= len(self._data):
            return b""
        now = self._now()
        if now > self._until:
            raise TooSlow(f"{self._at} of {len(self._data)} bytes were sent in time")
        end = len(self._data) if size < 0 else min(self._at + size, len(self._data))
        block = bytes(self._data[self._at : end])
        self._at = end
        if end == len(self._data):
            self.ended_at = now
        return block


def in_blocks(data: bytes, until: float, now: Callable[[], float]) -> bytes | Blocks:
    """The body as it should be sent: bytes when it is small, a reader when it is not.

    Args:
        data: the whole body.
        until: when the last block must have been asked for, Unix seconds.
        now: Unix seconds.
    """
    return data if len(data) <= SMALL else Blocks(data, until, now)
