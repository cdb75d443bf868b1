"""The emulator's own calls under `/emulator`: clock, faults, reset, and what it does not play."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.emulator.storage.app import Call, StorageApp

NOT_PLAYED = (
    "identities: any caller may use the JSON API; only signed paths are checked",
    "object versioning, soft delete, holds, retention, IAM policies, ACLs",
    "compose, rewrite, copy, batch, match_glob, POST policy documents, HMAC keys, gRPC",
    "quotas: the one write a second on one object is not enforced unless a fault says so",
    "customer-supplied encryption keys",
)
PAGE = """<!doctype html><meta charset="utf-8"><title>Cloud Storage emulator</title>
<style>body{{font:16px/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}}</style>
<h1>Cloud Storage emulator</h1>
<p>Conditions hold, signatures are checked, time can be moved. It keeps {objects} objects in
{buckets} buckets; its clock says {now:.0f}.</p>
<h2>What it does not play</h2><ul>{missing}</ul>
<p>Anything else that it does not know answers 501 with its name.</p>"""


def routes(
    app: StorageApp,
) -> list[tuple[str, str, Callable[..., Response], frozenset[str] | None]]:
    """Method, raw path, handler, known parameters."""

    def clock(_call: Call) -> Response:
        return _json({"now": app.clock.now()})

    def advance(call: Call) -> Response:
        return _json({"now": app.clock.advance(float(call.json().get("advance_s", 0)))})

    def faults(_call: Call) -> Response:
        return _json({"faults": app.faults.report()})

    def add_fault(call: Call) -> Response:
        app.faults.add(**call.json())
        return faults(call)

    def clear_faults(call: Call) -> Response:
        app.faults.clear()
        return faults(call)

    def reset(_call: Call) -> Response:
        app.reset()
        return _json({"reset": True})

    def page(_call: Call) -> Response:
        objects = sum(len(bucket.objects) for bucket in app.store.buckets.values())
        html = PAGE.format(
            objects=objects,
            buckets=len(app.store.buckets),
            now=app.clock.now(),
            missing="".join(f"<li>{line}</li>" for line in NOT_PLAYED),
        )
        return Response(html, content_type="text/html; charset=utf-8")

    return [
        ("GET", "/emulator", page, None),
        ("GET", "/emulator/clock", clock, None),
        ("POST", "/emulator/clock", advance, None),
        ("GET", "/emulator/faults", faults, None),
        ("POST", "/emulator/faults", add_fault, None),
        ("DELETE", "/emulator/faults", clear_faults, None),
        ("POST", "/emulator/reset", reset, None),
    ]


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
