"""What the declared failures of both emulators share: kept in order, counted, reported.

Each emulator says itself which requests a fault matches and what it does to them. A fault that was
met as often as declared matches no more. Nothing fails here without being declared.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lib.emulator.body import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BLOCK = 1 << 16


class CountedFault:
    """A declared failure that happens a number of times; its fields are a subclass's.

    Attributes:
        times: how often.
        name: what to call it in the report.
        met: how often it happened so far.
    """

    times: int
    name: str
    met: int

    @property
    def completed(self) -> bool:
        """Whether it happened as often as declared."""
        return self.met >= self.times


FaultT = TypeVar("FaultT", bound=CountedFault)


class FaultList(Generic[FaultT]):
    """Declared failures, oldest first."""

    def __init__(self) -> None:
        self._faults: list[FaultT] = []
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """All faults with how often they were met."""
        with self._lock:
            return [{**vars(fault), "completed": fault.completed} for fault in self._faults]

    def _keep(self, fault: FaultT) -> FaultT:
        with self._lock:
            self._faults.append(fault)
        return fault

    def _take(self, matches: Callable[[FaultT], bool]) -> FaultT | None:
        """The first fault that matches and is not completed; it is met once more."""
        with self._lock:
            for fault in self._faults:
                if matches(fault) and not fault.completed:
                    fault.met += 1
                    return fault
        return None


def bad_field(
    fields: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]]
) -> tuple[str, str] | None:
    """The first field of a declaration that is unknown or of another type, with a sentence for it.

    Args:
        fields: what was declared.
        types: field name to its type.

    Returns:
        The field's name and the sentence; None when all are good.
    """
    for name, value in fields.items():
        if name not in types or not isinstance(value, types[name]):
            return name, f"Bad fault field {name}={value!r}; known are {', '.join(types)}."
    return None


def cut_after(data: bytes, reason: str) -> Iterator[bytes]:
    """A body that ends with a cut connection.

    Args:
        data: what is sent before.
        reason: why, for the error message.

    Raises:
        Dropped: after the last byte.
    """
    for at in range(0, len(data), BLOCK):
        yield data[at : at + BLOCK]
    raise Dropped(reason)
