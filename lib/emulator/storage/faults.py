"""Failures on demand: named, counted, and reported as met or not.

A fault matches a method and an object name; it answers with a status instead of doing the work, or
cuts the connection before, during or after it. It invents nothing by itself.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from lib.emulator.server import Dropped
from lib.emulator.storage.errors import StorageError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from werkzeug.wrappers import Response

DROPS = ("before", "during", "after")
KINDS = {"method": str, "object": str, "status": int, "drop": str, "times": int, "name": str}
LOWEST, HIGHEST = 400, 599


@dataclass
class Fault:
    """One declared failure.

    Attributes:
        method: the HTTP method, `LIST` for listings, `*` for any.
        object: the object name (of a listing its prefix), as a shell pattern.
        status: the HTTP status to answer with; 0 drops the connection instead.
        drop: `before` the work took effect, `after` it, or `during` the answer's body.
        times: how often.
        name: what to call it in the report.
        met: how often it happened so far.
    """

    method: str = "*"
    object: str = "*"
    status: int = 0
    drop: str = "before"
    times: int = 1
    name: str = ""
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
        for key, value in fields.items():
            if key not in KINDS or not isinstance(value, KINDS[key]):
                known = ", ".join(KINDS)
                raise invalid(f"Bad fault field {key}={value!r}; known are {known}.", key)
        fault = Fault(**fields)
        if fault.drop not in DROPS:
            raise invalid(f"A fault drops {', '.join(DROPS)}; got {fault.drop!r}.", "drop")
        if fault.status and not LOWEST <= fault.status <= HIGHEST:
            raise invalid(f"A fault's status is {LOWEST} to {HIGHEST}.", "status")
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """All faults with how often they were met."""
        with self._lock:
            return [{**asdict(fault), "completed": fault.completed} for fault in self._faults]

    def around(self, method: str, name: str, work: Callable[[], Response]) -> Response:
        """Do some work, unless a fault says otherwise.

        Raises:
            StorageError: the fault's status.
            Dropped: the fault cuts the connection.
        """
        fault = self._take(method, name)
        if fault is None:
            return work()
        if fault.status:
            message = f"A declared fault {fault.name!r}."
            raise StorageError(fault.status, "fault", message, "InternalError")
        cut = Dropped(f"a declared fault cut {method} {name}")
        if fault.drop == "before":
            raise cut
        response = work()
        if fault.drop == "after":
            response.close()
            raise cut
        response.response = _half(response.response, cut)
        return response

    def _take(self, method: str, name: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                fits = fault.method in {"*", method} and fnmatchcase(name, fault.object)
                if fits and not fault.completed:
                    fault.met += 1
                    return fault
        return None


def _half(chunks: Iterable[Any], cut: Dropped) -> Iterator[bytes]:
    whole = b"".join(chunks)
    yield whole[: len(whole) // 2]
    raise cut
