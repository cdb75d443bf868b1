"""Buckets: their own metadata, checked on the way in.

A setting that the service would act on and that is not implemented here answers 501 with its name.
Source: JSON API reference, "Buckets".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lib.emulator.storage.errors import StorageError, invalid, not_implemented
from lib.emulator.storage.model import lifecycle
from lib.emulator.storage.model.metadata import STORAGE_CLASSES
from lib.emulator.storage.model.states import BucketState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.model.conditions import Conditions
    from lib.emulator.storage.model.store import Store

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
CORS_LISTS = ("origin", "method", "responseHeader")
KEPT = frozenset(
    [
        "labels",
        "cors",
        "lifecycle",
        "location",
        "locationType",
        "storageClass",
        "iamConfiguration",
        "rpo",
    ]
)
# The service's own fields: a client that sends a whole resource back sends these too.
SERVICE_OWN = frozenset(
    [
        "kind",
        "id",
        "selfLink",
        "name",
        "projectNumber",
        "metageneration",
        "etag",
        "timeCreated",
        "updated",
        "acl",
        "defaultObjectAcl",
        "owner",
    ]
)
# Settings that may be switched off, since off is what is implemented.
OFF: Mapping[str, tuple[Any, ...]] = {
    "versioning": ({"enabled": False},),
    "softDeletePolicy": (
        {"retentionDurationSeconds": 0},
        {"retentionDurationSeconds": "0"},
    ),
    "autoclass": ({"enabled": False},),
    "defaultEventBasedHold": (False,),
}


def create(store: Store, body: Mapping[str, Any], now: float) -> BucketState:
    """Make a bucket.

    Raises:
        StorageError: 400 for a bad name, 409 when it exists, 501 for an unknown setting.
    """
    name = body.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid(f"Invalid bucket name: {name!r}", "name")
    bucket = BucketState(name, now, now, fields=_checked(body))
    with store.lock:
        if name in store.buckets:
            message = f"A bucket named {name} already exists."
            raise StorageError(409, "conflict", message, "BucketAlreadyOwnedByYou")
        store.save_bucket(bucket)
    return bucket


def patch(
    store: Store, name: str, conditions: Conditions, body: Mapping[str, Any], now: float
) -> BucketState:
    """Merge bucket metadata; null removes a field, labels merge by key.

    Raises:
        StorageError: 404, 412, or 501 for a setting that is not implemented.
    """
    changes = _checked(body)
    labels = changes.get("labels")
    with store.lock:
        bucket = store.bucket(name)
        conditions.check(bucket)
        if labels is not None:
            merged = {**bucket.fields.get("labels", {}), **labels}
            changes["labels"] = {key: text for key, text in merged.items() if text is not None}
        return _replace(store, bucket, {**bucket.fields, **changes}, now)


def update(
    store: Store, name: str, conditions: Conditions, body: Mapping[str, Any], now: float
) -> BucketState:
    """Replace all bucket metadata, except where and in which class objects are stored.

    Raises:
        StorageError: 404, 412, or 501 for a setting that is not implemented.
    """
    changes = _checked(body)
    with store.lock:
        bucket = store.bucket(name)
        conditions.check(bucket)
        fixed = ("location", "locationType", "storageClass")
        kept = {key: bucket.fields[key] for key in fixed if key in bucket.fields}
        return _replace(store, bucket, {**kept, **changes}, now)


def _replace(
    store: Store, bucket: BucketState, fields: Mapping[str, Any], now: float
) -> BucketState:
    bucket.fields = {key: value for key, value in fields.items() if value not in (None, {}, [])}
    bucket.metageneration += 1
    bucket.updated = now
    store.save_bucket(bucket)
    return bucket


def delete(store: Store, name: str, conditions: Conditions) -> None:
    """Remove an empty bucket.

    Raises:
        StorageError: 404, 412, or 409 while objects are in it.
    """
    with store.lock:
        bucket = store.bucket(name)
        conditions.check(bucket)
        if bucket.objects:
            message = "The bucket you tried to delete is not empty."
            raise StorageError(409, "conflict", message, "BucketNotEmpty")
        store.drop_bucket(name)


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in body.items():
        known = key in KEPT or key in SERVICE_OWN or not value or value in OFF.get(key, ())
        if not known:
            raise not_implemented(f"the bucket setting {key}")
    if body.get("storageClass") not in STORAGE_CLASSES | {None}:
        raise invalid(f"Invalid storage class {body['storageClass']!r}.", "storageClass")
    _check_cors(body.get("cors") or [])
    if not isinstance(body.get("labels") or {}, dict):
        raise invalid("Labels are an object of texts.", "labels")
    lifecycle.check(body.get("lifecycle"))
    return {key: value for key, value in body.items() if key in KEPT or key in OFF}


def _check_cors(rules: Any) -> None:
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise invalid("CORS is a list of rules.", "cors")
    for rule in rules:
        unknown = set(rule) - {*CORS_LISTS, "maxAgeSeconds"}
        if unknown:
            raise invalid(f"Unknown CORS field {min(unknown)!r}.", "cors")
        for name in CORS_LISTS:
            texts = rule.get(name) or []
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise invalid(f"The CORS field {name} is a list of texts.", "cors")
