"""The emulator's own calls under `/emulator`: clock, faults, reset, traffic, and its honesty page.

They need no authorisation, since the emulator listens on loopback; but a foreign web page in a
developer's browser must not be able to empty the buckets, so a browser's change must be JSON, which
it may only send across origins where CORS allows it, and here it never does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.emulator.storage.app import StorageApp
    from lib.emulator.storage.routing import Call

NOT_PLAYED = (
    (
        "Identities: the JSON API lets anonymous callers and any bearer token in. Only signed "
        "paths are checked, and there a bearer token does not help."
    ),
    "Object versioning, soft delete, holds, retention, object contexts.",
    "IAM policies, ACLs, HMAC keys, notifications, Pub/Sub, folders, managed folders.",
    (
        "Compose, rewrite, copy, move, batch, match_glob, POST policy documents, XML multipart, "
        "XML listings, V2 signatures, gRPC."
    ),
    "Customer-supplied and customer-managed encryption keys.",
    (
        "Quotas and rate limits: the one write a second on one object is not enforced; declare a "
        "fault with status 429 for it."
    ),
    "Lifecycle rules wait for the clock to be moved; the service runs them within about a day.",
    "An unfinished resumable upload does not survive a restart; the service keeps it for a week.",
    "Buckets named storage, upload, download, resumable, batch or emulator have no signed paths.",
    "Durability: data outlives a killed process, not a lost machine.",
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Cloud Storage emulator</title>
<style>body{{font:16px/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}}
td{{padding:0 1rem 0 0}}</style>
<h1>Cloud Storage emulator</h1>
<p>Preconditions hold, V4 signatures are checked, time can be moved. It keeps {objects} objects in
{buckets} buckets; its clock says {now}.</p>
<h2>What it does not play</h2><ul>{missing}</ul>
<p>Whatever else it does not know (an endpoint, a parameter, a precondition, a setting) answers 501
with its name.</p>
<h2>Its own calls</h2><table>{calls}</table>
<h2>Requests so far</h2><table>{counts}</table></html>"""
CALLS = (
    ("GET /emulator/clock", "the time, Unix seconds"),
    ("POST /emulator/clock", '{"advance_s": 3600} moves it; lifecycle rules run'),
    (
        "POST /emulator/faults",
        (
            '{"method": "PATCH", "object": "a/*", "status": 503, "times": 2} or '
            '{"drop": "before" | "during" | "after"}'
        ),
    ),
    ("GET /emulator/faults", "all faults and whether they are completed"),
    ("DELETE /emulator/faults", "forgets them"),
    ("GET /emulator/requests", "the latest requests"),
    ("GET /emulator/counters", "requests of each kind"),
    ("POST /emulator/reset", "empties all buckets, forgets faults, uploads and counters"),
)


class Control:
    """Handlers of the emulator's own calls.

    Args:
        app: whom they control.
    """

    def __init__(self, app: StorageApp) -> None:
        self._app = app

    def routes(self) -> list[Route]:
        """Everything under `/emulator`."""
        table = (
            ("GET", "", self.page),
            ("GET", "/clock", self.clock),
            ("POST", "/clock", self.advance),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/requests", lambda _call: _json({"requests": self._app.traffic.log()})),
            ("GET", "/counters", lambda _call: _json({"counters": self._app.traffic.counts()})),
            ("POST", "/reset", self.reset),
        )
        return [
            Route("emulator", method, f"/emulator{path}/?", _guarded(answer), None)
            for method, path, answer in table
        ]

    def clock(self, _call: Call) -> Response:
        """The time."""
        return _json({"now": self._app.clock.now()})

    def advance(self, call: Call) -> Response:
        """Move the time forward."""
        seconds = call.json().get("advance_s")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise invalid(f"advance_s must be seconds to move forward; got {seconds!r}.")
        return _json({"now": self._app.clock.advance(seconds)})

    def faults(self, _call: Call) -> Response:
        """All declared faults and how often they were met."""
        return _json({"faults": self._app.faults.report()})

    def add_fault(self, call: Call) -> Response:
        """Declare one."""
        self._app.faults.add(**call.json())
        return self.faults(call)

    def clear_faults(self, call: Call) -> Response:
        """Forget them."""
        self._app.faults.clear()
        return self.faults(call)

    def reset(self, _call: Call) -> Response:
        """Start anew, with empty buckets."""
        self._app.reset()
        return _json({"reset": True})

    def page(self, _call: Call) -> Response:
        """What this is, and what it is not."""
        app = self._app
        html = PAGE.format(
            objects=sum(len(bucket.objects) for bucket in app.store.buckets.values()),
            buckets=len(app.store.buckets),
            now=f"{app.clock.now():.0f}",
            missing="".join(f"<li>{line}</li>" for line in NOT_PLAYED),
            calls=_rows(CALLS),
            counts=_rows(app.traffic.counts().items()),
        )
        return Response(html, content_type="text/html; charset=utf-8")


def _guarded(answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
    def guarded(call: Call) -> Response:
        kind = call.headers.get("content-type", "")
        simple = call.wire.method == "POST" and not kind.startswith("application/json")
        if simple and "origin" in call.headers:
            message = "From a browser, send application/json."
            raise StorageError(403, "forbidden", message)
        return answer(call)

    return guarded


def _rows(rows: Any) -> str:
    return "".join(f"<tr><td><code>{name}</code><td>{text}" for name, text in rows)


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
