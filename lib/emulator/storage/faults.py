"""Failures on demand in the storage: named, counted, and reported as met or not.

A fault matches a method and an object name; it answers with a status instead of doing the work, or
cuts the connection before, during or after it. It invents nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from lib.emulator.body import Dropped
from lib.emulator.faults import CountedFault, FaultList, bad_field, cut_after
from lib.emulator.storage.errors import StorageError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

DROPS = ("before", "during", "after")
TYPES = {"method": str, "object": str, "status": int, "drop": str, "times": int, "name": str}
LOWEST, HIGHEST = 400, 599


@dataclass
class StorageFault(CountedFault):
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


class StorageFaults(FaultList[StorageFault]):
    """The declared failures of a storage emulator."""

    def add(self, **fields: Any) -> StorageFault:
        """Declare a failure; see `StorageFault` for the fields.

        Raises:
            StorageError: 400 for an unknown field or value.
        """
        if bad := bad_field(fields, TYPES):
            name, message = bad
            raise invalid(message, name)
        fault = StorageFault(**fields)
        if fault.drop not in DROPS:
            raise invalid(f"A fault drops {', '.join(DROPS)}; got {fault.drop!r}.", "drop")
        if fault.status and not LOWEST <= fault.status <= HIGHEST:
            raise invalid(f"A fault's status is {LOWEST} to {HIGHEST}.", "status")
        return self._keep(fault)

    def around(self, method: str, name: str, work: Callable[[], Response]) -> Response:
        """Do some work, unless a fault says otherwise.

        Raises:
            StorageError: the fault's status.
            Dropped: the fault cuts the connection.
        """
        fault = self._take(
            lambda each: each.method in {"*", method} and fnmatchcase(name, each.object)
        )
        if fault is None:
            return work()
        if fault.status:
            message = f"A declared fault {fault.name!r}."
            raise StorageError(fault.status, "fault", message, "InternalError")
        reason = f"a declared fault cut {method} {name}"
        if fault.drop == "before":
            raise Dropped(reason)
        response = work()
        if fault.drop == "after":
            response.close()
            raise Dropped(reason)
        whole = b"".join(response.iter_encoded())
        response.response = cut_after(whole[: len(whole) // 2], reason)
        return response
