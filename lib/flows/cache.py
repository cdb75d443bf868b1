"""A few things that one process remembers to save itself work, and forgets oldest first.

Lost with the process, on purpose: whatever matters stands in the bucket. Never the only place where
something is known that guards money.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")

ENTRIES_AT_MOST = 10_000


class Cache(Generic[V]):
    """Names to values, bounded; for several threads.

    Args:
        size: how many at most.
    """

    def __init__(self, size: int = ENTRIES_AT_MOST) -> None:
        self._size = size
        self._known: OrderedDict[str, tuple[V, float]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, name: str, value: V, until: float) -> None:
        """Remember something.

        Args:
            name: under which.
            value: what.
            until: when it is of no more use, Unix seconds.
        """
        with self._lock:
            self._known[name] = (value, until)
            self._known.move_to_end(name)
            while len(self._known) > self._size:
                self._known.popitem(last=False)

    def get(self, name: str, now: float) -> V | None:
        """What is remembered under a name, None when it is nothing or too old.

        Args:
            name: as put.
            now: Unix seconds.
        """
        with self._lock:
            value, until = self._known.get(name, (None, now))
            return value if now < until else None


class Names:
    """Names that count for a while, by whom they belong to; for several threads."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def add(self, owner: str, name: str, until: float) -> None:
        """Count a name.

        Args:
            owner: whose.
            name: what.
            until: when it counts no more, Unix seconds.
        """
        with self._lock:
            self._known.setdefault(owner, {})[name] = until

    def discard(self, owner: str, name: str) -> None:
        """Count it no more.

        Args:
            owner: whose.
            name: what.
        """
        with self._lock:
            self._known.get(owner, {}).pop(name, None)

    def of(self, owner: str, now: float) -> dict[str, float]:
        """The names of an owner that count, to when they count no more.

        Args:
            owner: whose.
            now: Unix seconds.
        """
        with self._lock:
            kept = {name: at for name, at in self._known.pop(owner, {}).items() if now < at}
            if kept:
                self._known[owner] = kept
            return dict(kept)
