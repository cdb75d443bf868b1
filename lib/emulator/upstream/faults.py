"""Failures on demand: by operation, declared over HTTP or in a test, reported as met or not.

A fault answers instead of an operation, cuts after it, or damages its answer. It invents nothing by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.body import Dropped
from lib.emulator.faults import CountedFault, FaultList, bad_field, cut_after
from lib.emulator.upstream.errors import NAMED, UpstreamError, invalid, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPERATIONS = ("create", "get", "list", "cancel", "policy", "upload", "result", "*")
KINDS = ("drop", "status", "answer", "delay", "cut", "length", "slow", *NAMED)
TYPES: dict[str, type | tuple[type, ...]] = {
    "operation": str,
    "region": str,
    "kind": str,
    "when": str,
    "status": int,
    "code": str,
    "message": str,
    "body": str,
    "content_type": str,
    "seconds": (int, float),
    "at": int,
    "times": int,
    "name": str,
}
CUT = "a declared fault cut the answer"
PIECES = 50  # of a slow body, unless its fault says how many bytes each has


@dataclass
class UpstreamFault(CountedFault):
    """One declared failure.

    Attributes:
        operation: create, get, list, cancel, policy, upload (the form post), result (the download),
            or `*`.
        region: singapore, beijing or `*`; downloads and form posts belong to none.
        kind: `drop` the connection; a `status`, bare or with `code` and `message`; an `answer` of
            any `body` and `content_type`; a `delay`; `cut` the answer's body; claim a `length` that
            is too great; send the body `slow`ly; or a failure by its name (`internal`, `key`,
            `quota`, `rate`, ...).
        when: `before` or `after` the work took effect.
        status: of a `status` or an `answer`.
        code: of a `status`, in the service's own shape.
        message: beside the code.
        body: of an `answer`.
        content_type: of an `answer`.
        seconds: the delay, or how long a slow body takes.
        at: bytes before the cut, bytes claimed too many, or bytes of a piece of a slow body.
        times: how often.
        name: what to call it in the report.
        met: how often it happened so far.
    """

    operation: str = "*"
    region: str = "*"
    kind: str = "drop"
    when: str = "before"
    status: int = 500
    code: str = ""
    message: str = ""
    body: str = ""
    content_type: str = "text/html"
    seconds: float = 0.0
    at: int = 0
    times: int = 1
    name: str = ""
    met: int = 0


class UpstreamFaults(FaultList[UpstreamFault]):
    """The declared failures of an upstream.

    Args:
        sleep: how a delay passes; on a frozen clock, by moving it.
    """

    def __init__(self, sleep: Callable[[float], object]) -> None:
        super().__init__()
        self.sleep = sleep

    def add(self, **fields: Any) -> UpstreamFault:
        """Declare a failure; see `UpstreamFault` for the fields.

        Raises:
            UpstreamError: 400 for an unknown field or value.
        """
        if bad := bad_field(fields, TYPES):
            raise invalid(bad[1])
        fault = UpstreamFault(**fields)
        choices = (
            ("operation", OPERATIONS),
            ("kind", KINDS),
            ("when", ("before", "after")),
            ("region", ("singapore", "beijing", "*")),
        )
        for name, allowed in choices:
            if getattr(fault, name) not in allowed:
                got = getattr(fault, name)
                raise invalid(f"A fault's {name} is {', '.join(allowed)}; got {got!r}.")
        return self._keep(fault)

    def around(self, operation: str, region: str, work: Callable[[], Response]) -> Response:
        """Do some work, unless a fault says otherwise.

        Raises:
            UpstreamError: the fault's answer.
            Dropped: the fault cuts the connection.
        """
        fault = self._take(
            lambda each: each.operation in {"*", operation} and each.region in {"*", region}
        )
        if fault is None:
            return work()
        if fault.kind in {"cut", "length"}:
            return _damaged(work(), fault)
        if fault.kind == "slow":
            return _slow(work(), fault, self.sleep)
        if fault.kind == "delay" and fault.when == "before":
            self.sleep(fault.seconds)
            return work()
        done = work() if fault.when == "after" or fault.kind == "delay" else None
        if fault.kind == "delay" and done is not None:
            self.sleep(fault.seconds)
            return done
        return _instead(fault, operation)


def _instead(fault: UpstreamFault, operation: str) -> Response:
    if fault.kind == "drop":
        raise Dropped(f"a declared fault cut {operation}")
    if fault.kind == "answer":
        return Response(fault.body, fault.status, content_type=fault.content_type)
    if fault.kind == "status" and fault.code:
        raise UpstreamError(fault.status, fault.code, fault.message)
    if fault.kind == "status":
        page = f"<html><body>{fault.status}</body></html>"
        return Response(page, fault.status, content_type="text/html")
    raise named(fault.kind)


def _damaged(response: Response, fault: UpstreamFault) -> Response:
    whole = response.get_data()
    if fault.kind == "length":
        return overlong(response, whole, fault.at)
    response.headers["Content-Length"] = str(len(whole))
    response.response = cut_after(whole[: fault.at], CUT)
    response.direct_passthrough = True
    return response


def _slow(response: Response, fault: UpstreamFault, sleep: Callable[[float], object]) -> Response:
    whole = response.get_data()
    piece = fault.at or max(len(whole) // PIECES, 1)
    pause_s = fault.seconds * piece / max(len(whole), 1)

    def body() -> Iterator[bytes]:
        for at in range(0, len(whole), piece):
            sleep(pause_s)
            yield whole[at : at + piece]

    response.headers["Content-Length"] = str(len(whole))
    response.response = body()
    response.direct_passthrough = True
    return response


def overlong(response: Response, whole: bytes, too_many: int) -> Response:
    """An answer that claims more bytes than it has, and a connection that closes after them.

    Args:
        response: whose body it is.
        whole: the body.
        too_many: bytes claimed beyond it; at least one.
    """
    response.headers["Content-Length"] = str(len(whole) + max(too_many, 1))
    response.response = cut_after(whole, CUT)
    response.direct_passthrough = True
    return response
