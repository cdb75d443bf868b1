"""Memory for what requests carry: a number of bytes, lent out in the order of asking.

An instance has 512 MiB, and a request may carry 32; without a bound, sixteen of them at once end
the process and everybody's answer with it. A request that gets no memory in time is refused with
a time to come back, before its body is read.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib.core.errors import OVERLOADED, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

BODIES_AT_MOST = 96 << 20
LINKS_AT_MOST = 60 << 20
WAIT_S = 10.0
WAITING_AT_MOST = 8  # threads that stand in line; the others are for those who only read
# Sending a body again costs an instance nearly as much as taking it: who is early makes it worse.
RETRY_AFTER_S = 20


class MemoryBudget:
    """So many bytes for several threads.

    Args:
        size: in bytes; who asks for more gets all of it, alone.
        wait_s: how long one waits for it, real seconds.
    """

    def __init__(self, size: int, wait_s: float = WAIT_S) -> None:
        self._size, self._wait_s = size, wait_s
        self._used = 0
        self._line: deque[object] = deque()
        self._moved = threading.Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Bytes that are this thread's until the end; never more at once than there are.

        Raises:
            ApiError: `overloaded`, when there is no memory in time.
        """
        size = min(size, self._size)
        self._enter(size)
        try:
            yield
        finally:
            with self._moved:
                self._used -= size
                self._moved.notify_all()

    def _enter(self, size: int) -> None:
        deadline, ticket = time.monotonic() + self._wait_s, object()
        with self._moved:
            if len(self._line) >= WAITING_AT_MOST:
                raise _busy()
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or self._used + size > self._size:
                    if not self._moved.wait(deadline - time.monotonic()):
                        raise _busy()
                self._used += size
            finally:
                self._line.remove(ticket)
                self._moved.notify_all()


def _busy() -> ApiError:
    return ApiError(
        OVERLOADED,
        "This instance is busy with other pictures. Nothing was started; send the same request "
        "again in a few seconds.",
        retry_after_s=RETRY_AFTER_S,
    )
