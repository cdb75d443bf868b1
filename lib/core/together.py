"""Several calls that wait for other services: one after the other, or at once where threads may be.

Which of the two is handed in by `wiring`; flows and adapters only say what may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Together = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def in_turn(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Several calls one after the other.

    Args:
        calls: in the order of their results; an exception of one is raised.
    """
    return [call() for call in calls]
