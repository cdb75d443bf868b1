"""The one clock of all emulators: real time plus an offset, or frozen until it is moved.

Signed links expire, upstream records die and lifecycle rules run by this clock, so a day can pass
in a test in no time. It refuses to run backwards.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Unix time in seconds that can be moved forward.

    Args:
        start: where a frozen clock stands; None follows the machine's clock.
    """

    def __init__(self, start: float | None = None) -> None:
        self._frozen_at = start
        self._offset_s = 0.0
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """Unix time in seconds."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._offset_s

    def advance(self, seconds: float) -> float:
        """Move the clock forward and call every listener.

        Args:
            seconds: how far; negative is refused, since expiries rely on a growing clock.

        Returns:
            The new time, Unix seconds.

        Raises:
            ValueError: for a negative distance.
        """
        if seconds < 0:
            raise ValueError(f"the clock cannot run backwards (got {seconds} s)")
        with self._lock:
            self._offset_s += seconds
        for listener in self._listeners:
            listener()
        return self.now()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every move (lifecycle rules, waiting schedulers)."""
        self._listeners.append(listener)
