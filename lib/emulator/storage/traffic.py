"""What was asked of the emulator: a log of the latest requests and a count for each kind.

Tests use it to prove how few calls a program makes. Signatures are not kept.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Any

KEPT = 5_000


class Traffic:
    """The log and the counters."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()

    def record(self, kind: str, method: str, path: str, status: int, at: float) -> None:
        """Note one request.

        Args:
            kind: what the service calls it, such as `objects.list`.
            method: HTTP method.
            path: the raw path, without the query.
            status: what was answered; 0 for a cut connection.
            at: Unix seconds.
        """
        row = {"at": at, "kind": kind, "method": method, "path": path, "status": status}
        with self._lock:
            self._counts[kind] += 1
            self._log.append(row)

    def counts(self) -> dict[str, int]:
        """Requests of each kind since the start or the last reset."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def log(self) -> list[dict[str, Any]]:
        """The latest requests, oldest first."""
        with self._lock:
            return list(self._log)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._counts.clear()
            self._log.clear()
