"""The emulator's own calls under `/emulator`: clock, faults, reset, traffic, and the about page.

They need no authorisation, since the emulator listens on loopback; but a web page of another origin
in a developer's browser must not be able to empty the buckets, so a browser's change must be JSON,
which it may only send across origins where CORS allows it, and here it never does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.storage import about_page
from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.routing import StorageRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.emulator.clock import Clock
    from lib.emulator.storage.faults import StorageFaults
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.routing import Call
    from lib.emulator.storage.traffic import Traffic


ADVANCE_AT_MOST_S = 10 * 366 * 86400


class StorageControl:
    """Handlers of the emulator's own calls.

    Args:
        store: what the page counts.
        clock: what is moved.
        faults: what is declared.
        traffic: what is reported.
        reset: empties the buckets and forgets everything else.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        faults: StorageFaults,
        traffic: Traffic,
        reset: Callable[[], None],
    ) -> None:
        self._store, self._clock, self._faults = store, clock, faults
        self._traffic, self._reset = traffic, reset

    def routes(self) -> list[StorageRoute]:
        """Everything under `/emulator`."""
        table = (
            ("GET", "", self.page),
            ("GET", "/clock", self.clock),
            ("POST", "/clock", self.advance),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/requests", lambda _call: _json({"requests": self._traffic.log()})),
            ("GET", "/counters", lambda _call: _json({"counters": self._traffic.counts()})),
            ("POST", "/reset", self.reset),
        )
        return [
            StorageRoute("emulator", method, f"/emulator{path}/?", _guarded(answer), None)
            for method, path, answer in table
        ]

    def clock(self, _call: Call) -> Response:
        """The time."""
        return _json({"now": self._clock.now()})

    def advance(self, call: Call) -> Response:
        """Move the time forward."""
        seconds = call.json().get("advance_s")
        if (
            isinstance(seconds, bool)
            or not isinstance(seconds, int | float)
            or not 0 <= seconds <= ADVANCE_AT_MOST_S
        ):
            raise invalid(f"advance_s must be seconds to move forward; got {seconds!r}.")
        return _json({"now": self._clock.advance(seconds)})

    def faults(self, _call: Call) -> Response:
        """All declared faults and how often they were met."""
        return _json({"faults": self._faults.report()})

    def add_fault(self, call: Call) -> Response:
        """Declare one."""
        self._faults.add(**call.json())
        return self.faults(call)

    def clear_faults(self, call: Call) -> Response:
        """Forget them."""
        self._faults.clear()
        return self.faults(call)

    def reset(self, _call: Call) -> Response:
        """Start anew, with empty buckets."""
        self._reset()
        return _json({"reset": True})

    def page(self, _call: Call) -> Response:
        """What this is, and what it is not."""
        return about_page.page(self._store, self._clock.now(), self._traffic.counts())


def _guarded(answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
    def guarded(call: Call) -> Response:
        kind = call.headers.get("content-type", "")
        simple = call.raw.method == "POST" and not kind.startswith("application/json")
        if simple and "origin" in call.headers:
            message = "From a browser, send application/json."
            raise StorageError(403, "forbidden", message)
        return answer(call)

    return guarded


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
