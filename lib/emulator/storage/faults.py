"""Failures on demand: named, counted, and reported as met or not.

A fault matches a method and an object name; it answers with a status instead of doing the work, or
cuts the connection before or after the work took effect.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass
class Fault:
    """One declared failure.

    Attributes:
        method: the HTTP method, `*` for any.
        object: the object name, as a shell pattern.
        status: the HTTP status to answer with; 0 drops the connection instead.
        drop: `before` or `after` the work took effect.
        times: how often.
        met: how often it happened so far.
    """

    method: str = "*"
    object: str = "*"
    status: int = 0
    drop: str = "before"
    times: int = 1
    met: int = 0

    @property
    def completed(self) -> bool:
        """Whether it happened as often as declared."""
        return self.met >= self.times


class Faults:
    """The declared failures of a storage emulator."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, **fields: Any) -> Fault:
        """Declare a failure; see `Fault` for the fields.

        Raises:
            StorageError: 400 for an unknown field or value.
        """
        unknown = sorted(set(fields) - (set(Fault.__dataclass_fields__) - {"met"}))
        if unknown:
            raise invalid(f"Unknown fault field {unknown[0]!r}.", unknown[0])
        fault = Fault(**fields)
        if fault.drop not in {"before", "after"}:
            raise invalid("A fault drops 'before' or 'after'.", "drop")
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """All faults with how often they were met."""
        return [{**asdict(fault), "completed": fault.completed} for fault in self._faults]

    def around(self, method: str, name: str, work: Callable[[], T]) -> T:
        """Do some work, unless a fault says otherwise.

        Raises:
            StorageError: the fault's status.
            Dropped: the fault cuts the connection.
        """
        fault = self._take(method, name)
        if fault is None:
            return work()
        if fault.status:
            raise StorageError(fault.status, "fault", "A declared fault.", "InternalError")
        if fault.drop == "after":
            work()
        raise Dropped(f"a declared fault cut {method} {name}")

    def _take(self, method: str, name: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                fits = fault.method in {"*", method} and fnmatchcase(name, fault.object)
                if fits and not fault.completed:
                    fault.met += 1
                    return fault
        return None
