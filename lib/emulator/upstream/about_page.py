"""The page that says what was decided where the documents are silent, and what is missing.

Both lists are read from `lib/emulator/PROTOCOL.md`, so that the two cannot differ.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.upstream.faults import KINDS, OPERATIONS
from lib.emulator.upstream.scenarios import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lib.emulator.upstream.tasks import Task

PROTOCOL = Path(__file__).parents[1] / "PROTOCOL.md"
CALLS = (
    ("GET /emulator/clock", "the time, Unix seconds"),
    ("POST /emulator/clock", '{"advance_s": 86400} moves it'),
    ("GET /emulator/faults", "all faults and whether they are completed"),
    ("POST /emulator/faults", '{"operation": "create", "kind": "drop", "when": "after"}'),
    ("DELETE /emulator/faults", "forgets them"),
    ("GET /emulator/tasks", "every accepted task"),
    ("GET /emulator/counts", "requests of each kind"),
    ("GET, POST /emulator/settings", '{"overflow": "queue", "list_lag_s": 30}'),
    ("POST /emulator/reset", "forgets tasks, uploads, faults and counts"),
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>DashScope emulator</title>
<style>body{{font:16px/1.5 system-ui;max-width:52rem;margin:3rem auto;padding:0 1rem}}
td,th{{padding:.1rem 1rem .1rem 0;text-align:left;vertical-align:top}}</style>
<h1>DashScope emulator</h1>
<p>Emulates Model Studio's keyframe-to-video models. {count} tasks; its clock says {now:.0f}.</p>
<table>{tasks}</table>
<h2>Readings where the service's documents are silent (UNCONFIRMED)</h2><ul>{choices}</ul>
<h2>What it does not implement</h2><ul>{missing}</ul>
<h2>Failures by prompt</h2><table>{scenarios}</table>
<h2>Failures by declaration</h2>
<p>Operations: <code>{operations}</code>. Kinds: <code>{kinds}</code>.</p>
<h2>Its own calls</h2><table>{calls}</table></html>"""


def page(tasks: Iterable[Task], now: float) -> Response:
    """The page at `/emulator`.

    Args:
        tasks: every accepted one.
        now: Unix seconds.
    """
    shown = [(task.id, f"{task.model.name}<td>{task.status}") for task in tasks]
    text = PAGE.format(
        count=len(shown),
        now=now,
        tasks=_rows(shown),
        choices=_items(section("Where the documents are silent")),
        missing=_items(section("What is not implemented")),
        scenarios=_rows((f"#{name}", text) for name, text in ALL.items()),
        operations=" ".join(OPERATIONS),
        kinds=" ".join(KINDS),
        calls=_rows(CALLS),
    )
    return Response(text, content_type="text/html; charset=utf-8")


def section(title: str) -> list[str]:
    """The list items of one section of PROTOCOL.md, each as one line of plain text."""
    text = PROTOCOL.read_text("utf-8")
    body = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    items = re.findall(r"^- (.*(?:\n  .*)*)", body, re.MULTILINE)
    return [" ".join(item.split()).replace("`", "") for item in items]


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{html.escape(line)}</li>" for line in lines)


def _rows(rows: Iterable[tuple[Any, Any]]) -> str:
    return "".join(f"<tr><td><code>{name}</code><td>{text}" for name, text in rows)
