"""The page at `/emulator`: what this storage is, what it does not implement, its own calls.

The list of what is missing stands here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.emulator.storage.model.store import Store

NOT_IMPLEMENTED = (
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
<h2>What it does not implement</h2><ul>{missing}</ul>
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


def page(store: Store, now: float, counts: Mapping[str, int]) -> Response:
    """The page.

    Args:
        store: all buckets.
        now: Unix seconds.
        counts: requests of each kind so far.
    """
    html = PAGE.format(
        objects=sum(len(bucket.objects) for bucket in store.buckets.values()),
        buckets=len(store.buckets),
        now=f"{now:.0f}",
        missing="".join(f"<li>{line}</li>" for line in NOT_IMPLEMENTED),
        calls=_rows(CALLS),
        counts=_rows(counts.items()),
    )
    return Response(html, content_type="text/html; charset=utf-8")


def _rows(rows: Iterable[tuple[str, Any]]) -> str:
    return "".join(f"<tr><td><code>{name}</code><td>{text}" for name, text in rows)
