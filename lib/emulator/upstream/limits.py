"""So many requests in any one second, by account: what is over is answered 429.

Source: Model Studio, "Rate limits" (creates, by model) and "Asynchronous task management" (20 a
second for each of query, list and cancel).
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from lib.emulator.upstream.errors import named

if TYPE_CHECKING:
    from lib.emulator.clock import Clock

CREATES, QUERIES, POLICIES = 2, 20, 100
WINDOW_S = 1.0


class RateLimits:
    """Sliding windows of one second.

    Args:
        clock: whose second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: defaultdict[tuple[str, ...], deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, per_second: int, *name: str) -> None:
        """Count one request under a name.

        Raises:
            UpstreamError: 429, and the request does not count.
        """
        with self._lock:
            now, recent = self._clock.now(), self._recent[name]
            while recent and recent[0] <= now - WINDOW_S:
                recent.popleft()
            if len(recent) >= per_second:
                raise named("rate")
            recent.append(now)

    def clear(self) -> None:
        """Forget all requests so far."""
        with self._lock:
            self._recent.clear()
