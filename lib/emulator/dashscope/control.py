"""The emulator's own calls under `/emulator`: clock, faults, tasks, reset, and its honesty page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.dashscope.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from lib.emulator.dashscope.app import UpstreamApp

# Where the public documents say nothing, the stricter reading; frame sides take the wider one.
CHOICES = (
    "a frame that cannot be had or used: accepted, then FAILED (usual place of these codes)",
    "frame sides 240 to 8000 pixels, 10 MB; a PNG with an alpha channel is refused",
    "a resolution that the model does not offer or in lower case: 400 InvalidParameter at create",
    "another duration than 5, a seed out of range: 400 InvalidParameter at create",
    "a missing last frame without a template: 400 InvalidParameter",
    "a third task at once: 429 Throttling, or PENDING with --overflow queue",
    "cancel of an unknown id: 400 UnsupportedOperation, as for a task that is not PENDING",
    "PENDING carries submit_time; FAILED and CANCELED carry end_time",
    "page_size is cut at 100; no Retry-After is ever sent",
    "temporary upload works in both regions",
    "no EventBridge events, no workspaces, no encryption",
)
SCENARIOS = (
    "#moderation #moderation-input #infringement #arrears #quota #429x3 #timeout #internal #stuck "
    "#unknown #lost-submit #truncated-mp4 #corrupt-mp4 #wrong-type"
)
PAGE = """<!doctype html><meta charset="utf-8"><title>DashScope emulator</title>
<style>body{{font:16px/1.5 system-ui;max-width:46rem;margin:3rem auto;padding:0 1rem}}
td,th{{padding:.2rem .8rem .2rem 0;text-align:left}}</style>
<h1>DashScope emulator</h1><p>{count} tasks; its clock says {now:.0f}.</p>
<table><tr><th>task</th><th>model</th><th>status</th></tr>{rows}</table>
<h2>Failures by prompt</h2><p>{scenarios}</p>
<h2>Readings where the service's documents are silent</h2><ul>{choices}</ul>"""


def answer(app: UpstreamApp, request: Request) -> Response:
    """Answer one control call.

    Raises:
        UpstreamError: 404 for an unknown one.
    """
    table: dict[tuple[str, str], Callable[[], Response]] = {
        ("GET", "/emulator"): lambda: _page(app),
        ("GET", "/emulator/clock"): lambda: _json({"now": app.clock.now()}),
        ("POST", "/emulator/clock"): lambda: _json(
            {"now": app.clock.advance(float(_body(request).get("advance_s", 0)))}
        ),
        ("GET", "/emulator/faults"): lambda: _json({"faults": app.faults.report()}),
        ("POST", "/emulator/faults"): lambda: _add_fault(app, request),
        ("DELETE", "/emulator/faults"): lambda: _done(app.faults.clear),
        ("GET", "/emulator/tasks"): lambda: _json({"tasks": [_task(task) for task in app.tasks]}),
        ("GET", "/emulator/counts"): lambda: _json(dict(app.counts)),
        ("POST", "/emulator/reset"): lambda: _done(app.reset),
    }
    found = table.get((request.method, request.path.rstrip("/")))
    if found is None:
        raise UpstreamError(404, "NotFound", "Not found!")
    return found()


def _done(work: Callable[[], None]) -> Response:
    work()
    return _json({"done": True})


def _add_fault(app: UpstreamApp, request: Request) -> Response:
    app.faults.add(**_body(request))
    return _json({"faults": app.faults.report()})


def _task(task: Any) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "region": task.region,
        "model": task.model.name,
        "status": task.status,
        "submitted_at": task.submitted_at,
        "scheduled_at": task.scheduled_at,
        "ended_at": task.ended_at,
    }


def _page(app: UpstreamApp) -> Response:
    rows = "".join(
        f"<tr><td>{task.id}</td><td>{task.model.name}</td><td>{task.status}</td></tr>"
        for task in app.tasks
    )
    html = PAGE.format(
        count=len(app.tasks),
        now=app.clock.now(),
        rows=rows,
        scenarios=SCENARIOS,
        choices="".join(f"<li>{choice}</li>" for choice in CHOICES),
    )
    return Response(html, content_type="text/html; charset=utf-8")


def _body(request: Request) -> dict[str, Any]:
    data = json.loads(request.get_data() or b"{}")
    return data if isinstance(data, dict) else {}


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")
