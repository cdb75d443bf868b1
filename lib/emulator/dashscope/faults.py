"""Failures on demand: by operation, declared over HTTP or in a test, reported as met or not."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lib.emulator.dashscope.errors import NAMED, UpstreamError, invalid, named
from lib.emulator.wire import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
OPERATIONS = frozenset({"create", "get", "list", "cancel", "upload", "result", "*"})
KINDS = frozenset({"drop", "status", "delay", "cut", "error", *NAMED})


@dataclass
class Fault:
    """One declared failure.

    Attributes:
        operation: create, get, list, cancel, upload, result, or `*`.
        kind: `drop` the connection, answer a bare `status`, `delay`, `cut` a result's body, or a
            failure by its name (`internal`, `key`, `quota`, `rate`, ...).
        when: `before` or `after` the effect, for drops and statuses.
        status: the bare status.
        seconds: the delay.
        at: bytes of a result before it is cut.
        times: how often.
        met: how often it happened so far.
    """

    operation: str = "*"
    kind: str = "drop"
    when: str = "before"
    status: int = 500
    seconds: float = 0.0
    at: int = 0
    times: int = 1
    met: int = 0

    @property
    def completed(self) -> bool:
        """Whether it happened as often as declared."""
        return self.met >= self.times


class Faults:
    """The declared failures of an upstream.

    Args:
        sleep: how a delay passes.
    """

    def __init__(self, sleep: Callable[[float], object]) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.sleep = sleep

    def add(self, **fields: Any) -> Fault:
        """Declare a failure; see `Fault` for the fields.

        Raises:
            UpstreamError: 400 for an unknown field or value.
        """
        unknown = sorted(set(fields) - (set(Fault.__dataclass_fields__) - {"met"}))
        if unknown:
            raise invalid(f"Unknown fault field {unknown[0]!r}.")
        fault = Fault(**fields)
        if fault.operation not in OPERATIONS or fault.kind not in KINDS:
            raise invalid(f"Unknown fault {fault.operation}/{fault.kind}.")
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """All faults with how often they were met."""
        return [{**asdict(fault), "completed": fault.completed} for fault in self._faults]

    def take(self, operation: str) -> Fault | None:
        """The next fault of an operation, counted as met."""
        with self._lock:
            for fault in self._faults:
                if fault.operation in {"*", operation} and not fault.completed:
                    fault.met += 1
                    return fault
        return None

    def around(self, operation: str, work: Callable[[], T]) -> T:
        """Do some work, unless a fault says otherwise.

        Raises:
            UpstreamError: the fault's answer.
            Dropped: the fault cuts the connection.
        """
        fault = self.take(operation)
        if fault is None:
            return work()
        if fault.kind == "delay":
            answer = work()
            self.sleep(fault.seconds)
            return answer
        if fault.when == "after":
            work()
        if fault.kind == "drop":
            raise Dropped(f"a declared fault cut {operation}")
        if fault.kind == "status":
            raise UpstreamError(fault.status, "", "a bare status")
        raise named(fault.kind)
