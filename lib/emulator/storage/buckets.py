"""Buckets: their own metadata, CORS as browsers meet it, lifecycle when the clock moves.

Sources: JSON API reference, "Buckets"; Cloud Storage documentation, "Cross-origin resource sharing"
and "Object Lifecycle Management".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import StorageError, invalid, not_played
from lib.emulator.storage.objects import BucketState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.objects import Store, Stored

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
DAY_S = 24 * 3600
FIELDS = frozenset(
    {"name", "labels", "cors", "lifecycle", "location", "storageClass", "iamConfiguration"}
)
CONDITIONS = frozenset({"age", "matchesPrefix", "matchesSuffix", "createdBefore"})


def create(store: Store, body: Mapping[str, Any], now: float) -> BucketState:
    """Make a bucket.

    Raises:
        StorageError: 400 for a bad name, 409 when it exists, 501 for a field that is not played.
    """
    name = body.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid(f"Invalid bucket name: {name!r}", "name")
    with store.lock:
        if name in store.buckets:
            message = f"A bucket named {name} already exists."
            raise StorageError(409, "conflict", message, "BucketAlreadyOwnedByYou")
        store.buckets[name] = BucketState(name, now, now, fields=_checked(body))
        return store.buckets[name]


def patch(bucket: BucketState, body: Mapping[str, Any], now: float) -> BucketState:
    """Merge bucket metadata; null removes a field, labels merge by key.

    Raises:
        StorageError: 501 for a field that is not played.
    """
    changes = _checked(body)
    labels = changes.pop("labels", None)
    bucket.fields = {**bucket.fields, **changes}
    if labels is not None:
        merged = {**bucket.fields.get("labels", {}), **labels}
        bucket.fields["labels"] = {key: text for key, text in merged.items() if text is not None}
    bucket.fields = {key: value for key, value in bucket.fields.items() if value is not None}
    bucket.metageneration += 1
    bucket.updated = now
    return bucket


def delete(store: Store, name: str) -> None:
    """Remove an empty bucket.

    Raises:
        StorageError: 404, or 409 while objects are in it.
    """
    with store.lock:
        if store.bucket(name).objects:
            message = "The bucket you tried to delete is not empty."
            raise StorageError(409, "conflict", message, "BucketNotEmpty")
        del store.buckets[name]


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(body) - FIELDS)
    if unknown:
        raise not_played(f"the bucket field {unknown[0]}")
    for rule in (body.get("lifecycle") or {}).get("rule", ()):
        kind = rule.get("action", {}).get("type")
        if kind != "Delete":
            raise not_played(f"the lifecycle action {kind}")
        strange = sorted(set(rule.get("condition", {})) - CONDITIONS)
        if strange:
            raise not_played(f"the lifecycle condition {strange[0]}")
    return {key: value for key, value in body.items() if key != "name"}


def cors_headers(
    bucket: BucketState, origin: str | None, method: str, asked: str | None = None
) -> dict[str, str]:
    """What the bucket's CORS configuration adds to an answer.

    Args:
        bucket: whose configuration.
        origin: the request's `Origin`.
        method: the method, or the one that a preflight asks for.
        asked: `Access-Control-Request-Headers` of a preflight.
    """
    for rule in bucket.fields.get("cors", ()) if origin else ():
        origins, methods = rule.get("origin", []), rule.get("method", [])
        if not {"*", origin} & set(origins) or not {"*", method} & set(methods):
            continue
        allowed = [header.lower() for header in rule.get("responseHeader", [])]
        headers = {
            "Access-Control-Allow-Origin": "*" if "*" in origins else str(origin),
            "Access-Control-Expose-Headers": ", ".join(rule.get("responseHeader", [])),
            "Vary": "Origin",
        }
        if asked is not None:
            wanted = [header.strip().lower() for header in asked.split(",") if header.strip()]
            if not set(wanted) <= set(allowed) | {"*"} and "*" not in allowed:
                continue
            headers["Access-Control-Allow-Methods"] = ", ".join(methods)
            headers["Access-Control-Allow-Headers"] = asked
            headers["Access-Control-Max-Age"] = str(rule.get("maxAgeSeconds", 3600))
        return headers
    return {}


def run_lifecycle(store: Store, now: float) -> int:
    """Delete what the buckets' rules say; returns how many objects went."""
    gone = 0
    with store.lock:
        for bucket in store.buckets.values():
            rules = bucket.fields.get("lifecycle", {}).get("rule", ())
            dead = [
                name
                for name, stored in bucket.objects.items()
                if any(_matches(rule["condition"], stored, now) for rule in rules)
            ]
            for name in dead:
                del bucket.objects[name]
            gone += len(dead)
    return gone


def _matches(condition: Mapping[str, Any], stored: Stored, now: float) -> bool:
    checks = []
    if "age" in condition:
        checks.append(now - stored.created >= int(condition["age"]) * DAY_S)
    if "createdBefore" in condition:
        day = datetime.fromisoformat(condition["createdBefore"]).replace(tzinfo=UTC)
        checks.append(stored.created < day.timestamp())
    if "matchesPrefix" in condition:
        checks.append(stored.name.startswith(tuple(condition["matchesPrefix"])))
    if "matchesSuffix" in condition:
        checks.append(stored.name.endswith(tuple(condition["matchesSuffix"])))
    return bool(checks) and all(checks)
