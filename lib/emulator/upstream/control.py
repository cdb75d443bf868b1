"""The emulator's own calls under `/emulator`: clock, faults, tasks, counts, settings, reset.

They need no key: the emulator listens on loopback.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lib.emulator.numbers import document
from lib.emulator.upstream import about_page
from lib.emulator.upstream.errors import UpstreamError, invalid
from lib.emulator.upstream.routing import as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request, Response

    from lib.emulator.upstream.state import UpstreamState
    from lib.emulator.upstream.tasks import Task

ADVANCE_AT_MOST_S = 10 * 366 * 86400
SHOWN_AT_MOST = 800  # characters: a whole prompt


class UpstreamControl:
    """Answers the emulator's own calls.

    Args:
        state: what they read and change.
        reset: forgets tasks, uploads, faults and counts.
    """

    def __init__(self, state: UpstreamState, reset: Callable[[], None]) -> None:
        self._state, self._forget = state, reset
        self._table: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", ""): lambda _request: about_page.page(state.tasks, state.clock.now()),
            ("GET", "/clock"): lambda _request: as_json({"now": state.clock.now()}),
            ("POST", "/clock"): self._advance,
            ("GET", "/faults"): self._faults,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/tasks"): lambda _request: as_json({"tasks": [_task(t) for t in state.tasks]}),
            ("GET", "/counts"): lambda _request: as_json(dict(state.counts)),
            ("GET", "/settings"): self._settings,
            ("POST", "/settings"): self._change,
            ("POST", "/reset"): self._reset,
        }

    def __call__(self, request: Request) -> Response:
        """Answer one call."""
        path = request.path.removeprefix("/emulator").rstrip("/")
        try:
            return self._table.get((request.method, path), self._unknown)(request)
        except UpstreamError as error:
            return as_json({"code": error.code, "message": error.message}, error.status)

    def _unknown(self, request: Request) -> Response:
        known = ", ".join(f"{method} /emulator{path}" for method, path in self._table)
        message = f"{request.method} {request.path} is not known; known are {known}."
        raise UpstreamError(404, "NotFound", message)

    def _advance(self, request: Request) -> Response:
        seconds = _body(request).get("advance_s")
        if (
            isinstance(seconds, bool)
            or not isinstance(seconds, int | float)
            or not 0 <= seconds <= ADVANCE_AT_MOST_S
        ):
            raise invalid(f"advance_s must be seconds to move forward; got {seconds!r}.")
        return as_json({"now": self._state.clock.advance(seconds)})

    def _faults(self, _request: Request) -> Response:
        return as_json({"faults": self._state.faults.report()})

    def _add_fault(self, request: Request) -> Response:
        self._state.faults.add(**_body(request))
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Response:
        self._state.faults.clear()
        return self._faults(request)

    def _settings(self, _request: Request) -> Response:
        return as_json(asdict(self._state.settings))

    def _change(self, request: Request) -> Response:
        self._state.settings.change(_body(request))
        return self._settings(request)

    def _reset(self, _request: Request) -> Response:
        self._forget()
        return as_json({"reset": True})


def _task(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "region": task.region,
        "account": task.account,
        "api_key_id": task.key_id,
        "model": task.model.name,
        "status": task.status,
        "paid": task.paid,
        "scenario": task.scenario,
        "submitted_at": task.submitted_at,
        "scheduled_at": task.scheduled_at,
        "ended_at": task.ended_at,
        "input": {name: _shown(value) for name, value in task.body["input"].items()},
    }


def _shown(value: Any) -> Any:
    """What a task was asked for; a picture inside the request would hide the rest."""
    return value[:SHOWN_AT_MOST] if isinstance(value, str) else value


def _body(request: Request) -> dict[str, Any]:
    try:
        data = document(request.get_data() or b"{}")
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise invalid("The body must be a JSON object.")
    return data
