"""Memory for what requests carry: a number of bytes, lent out in the order of asking.

An instance has 512 MiB, and a request may carry 32; without a bound, sixteen of them at once end
the process and everybody's answer with it. A loan grows with what has arrived, never with what is
announced, and only as far as all loans can still end (Dijkstra, "The mathematics behind the
Banker's Algorithm", EWD 623). A request that gets no memory in time is refused with a time to come
back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lib.core.errors import OVERLOADED, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODIES_AT_MOST = 96 << 20
LINKS_AT_MOST = 60 << 20
WAIT_S = 10.0
WAITING_AT_MOST = 8  # threads that stand in line; the others are for those who only read
# Sending a body again costs an instance nearly as much as taking it: who is early makes it worse.
RETRY_AFTER_S = 20


class Loan:
    """What one request was lent.

    Args:
        budget: the lender.
        most: the largest sum, in bytes; what all of them can still ask for is reckoned with it.

    Attributes:
        most: in bytes.
        held: in bytes, so far.
    """

    def __init__(self, budget: MemoryBudget, most: int) -> None:
        self._budget, self.most, self.held = budget, most, 0

    def grow(self, size: int) -> None:
        """Raise the loan to a size, or to its largest sum; a smaller size changes nothing.

        Raises:
            ApiError: `overloaded`, when there is no memory in time.
        """
        more = min(size, self.most) - self.held
        if more > 0:
            self._budget._raise(self, more)  # noqa: SLF001 - one lender and its loans


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
        self._loans: set[Loan] = set()
        self._waiting = 0
        self._moved = threading.Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Bytes that are this thread's until the end; never more at once than there are.

        Raises:
            ApiError: `overloaded`, when there is no memory in time.
        """
        size = min(size, self._size)
        self._enter(size, lambda: self._used + size <= self._size, first=True)
        try:
            yield
        finally:
            with self._moved:
                self._used -= size
                self._moved.notify_all()

    @contextmanager
    def growing(self, most: int) -> Iterator[Loan]:
        """A loan of nothing yet, given back at the end.

        Args:
            most: the largest sum, in bytes; more than there is counts as all of it.
        """
        loan = Loan(self, min(most, self._size))
        try:
            yield loan
        finally:
            with self._moved:
                self._loans.discard(loan)
                self._used -= loan.held
                self._moved.notify_all()

    def _raise(self, loan: Loan, more: int) -> None:
        first = loan.held == 0
        with self._moved:
            self._enter(more, lambda: self._can_end(loan, more), first=first)
            loan.held += more
            self._loans.add(loan)

    def _can_end(self, loan: Loan, more: int) -> bool:
        """Whether every loan could still reach its largest sum, one after the other."""
        free = self._size - self._used - more
        after = [(each.most - each.held, each.held) for each in self._loans if each is not loan]
        after.append((loan.most - loan.held - more, loan.held + more))
        for missing, held in sorted(after):
            if missing > free:
                return False
            free += held
        return free >= 0

    def _enter(self, size: int, fits: Callable[[], bool], *, first: bool) -> None:
        """Take bytes; who holds none yet stands in line, who holds some must get on."""
        with self._moved:
            # Whoever can get on is never refused for those who cannot: only it gives back.
            if (first and self._line) or not fits():
                if self._waiting >= WAITING_AT_MOST:
                    raise _busy()
                self._wait(fits, first=first)
            self._used += size

    def _wait(self, fits: Callable[[], bool], *, first: bool) -> None:
        deadline, ticket = time.monotonic() + self._wait_s, object()
        self._waiting += 1
        if first:
            self._line.append(ticket)
        try:
            while (first and self._line[0] is not ticket) or not fits():
                if not self._moved.wait(deadline - time.monotonic()):
                    raise _busy()
        finally:
            self._waiting -= 1
            if first:
                self._line.remove(ticket)
            self._moved.notify_all()


def _busy() -> ApiError:
    return ApiError(
        OVERLOADED,
        "This instance is busy with other pictures. Nothing was started; send the same request "
        "again in a few seconds.",
        retry_after_s=RETRY_AFTER_S,
    )
