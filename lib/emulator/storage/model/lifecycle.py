"""Lifecycle rules: refused when they cannot be run, executed whenever the clock is moved.

Knows deletions, changes of storage class and the conditions listed below. Source: Cloud Storage
documentation, "Object Lifecycle Management" and "Options for lifecycle actions".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lib.emulator.numbers import whole
from lib.emulator.storage.errors import invalid, not_implemented
from lib.emulator.storage.model.conditions import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.storage.model.states import Stored
    from lib.emulator.storage.model.store import Store

DAY_S = 24 * 3600
DAYS_AT_MOST = 1_000_000


def _day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _custom(stored: Stored) -> float | None:
    text = stored.fields.get("customTime")
    return datetime.fromisoformat(text).timestamp() if text else None


def _days_since_custom(stored: Stored, days: Any, now: float) -> bool:
    custom = _custom(stored)
    return custom is not None and now - custom >= int(days) * DAY_S


def _custom_before(stored: Stored, day: Any, _now: float) -> bool:
    custom = _custom(stored)
    return custom is not None and custom < _day(day)


CONDITIONS: Mapping[str, Callable[[Stored, Any, float], bool]] = {
    "age": lambda stored, days, now: now - stored.created >= int(days) * DAY_S,
    "createdBefore": lambda stored, day, _now: stored.created < _day(day),
    "customTimeBefore": _custom_before,
    "daysSinceCustomTime": _days_since_custom,
    "isLive": lambda _stored, live, _now: bool(live),  # without versioning every object is live
    "matchesPrefix": lambda stored, texts, _now: stored.name.startswith(tuple(texts)),
    "matchesSuffix": lambda stored, texts, _now: stored.name.endswith(tuple(texts)),
    "matchesStorageClass": lambda stored, names, _now: stored.fields["storageClass"] in names,
}


def _is_count(value: Any) -> bool:
    found = whole(str(value)) if isinstance(value, str | int) else None
    return found is not None and found <= DAYS_AT_MOST and not isinstance(value, bool)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(_day(value))
    except (ValueError, OverflowError):
        return False


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


VALUES: Mapping[str, Callable[[Any], bool]] = {
    "age": _is_count,
    "createdBefore": _is_day,
    "customTimeBefore": _is_day,
    "daysSinceCustomTime": _is_count,
    "isLive": lambda value: isinstance(value, bool),
    "matchesPrefix": _are_texts,
    "matchesSuffix": _are_texts,
    "matchesStorageClass": _are_texts,
}
ACTIONS = ("Delete", "SetStorageClass")


def check(lifecycle: Mapping[str, Any] | None) -> None:
    """Refuse rules that would not be executed.

    Raises:
        StorageError: 400 for a rule without conditions, 501 by name for what is not implemented.
    """
    for rule in _rules(lifecycle):
        kind = rule["action"].get("type")
        if kind not in ACTIONS:
            raise not_implemented(f"the lifecycle action {kind}")
        conditions = rule.get("condition") or {}
        if not conditions:
            raise invalid("A lifecycle rule needs at least one condition.", "lifecycle")
        for name, value in conditions.items():
            if name not in CONDITIONS:
                raise not_implemented(f"the lifecycle condition {name}")
            if not VALUES[name](value):
                raise invalid(f"Invalid value for the lifecycle condition {name}.", name)


def _rules(lifecycle: Any) -> list[dict[str, Any]]:
    rules = lifecycle.get("rule", []) if isinstance(lifecycle, dict) else lifecycle or []
    if not isinstance(rules, list) or not all(
        isinstance(rule, dict)
        and isinstance(rule.get("action"), dict)
        and isinstance(rule.get("condition", {}), dict)
        for rule in rules
    ):
        raise invalid("A lifecycle is a list of rules, each with an action.", "lifecycle")
    return rules


def run(store: Store, now: float) -> int:
    """Do what the rules of all buckets say; returns how many objects were deleted.

    Args:
        store: all buckets.
        now: Unix seconds.
    """
    gone = 0
    with store.lock:
        for bucket in list(store.buckets.values()):
            rules = (bucket.fields.get("lifecycle") or {}).get("rule", ())
            for stored in list(bucket.objects.values()) if rules else ():
                fitting = [
                    rule["action"] for rule in rules if _fits(rule["condition"], stored, now)
                ]
                gone += _act(store, stored, fitting)
    return gone


def _fits(conditions: Mapping[str, Any], stored: Stored, now: float) -> bool:
    return all(CONDITIONS[name](stored, value, now) for name, value in conditions.items())


def _act(store: Store, stored: Stored, actions: list[Mapping[str, Any]]) -> int:
    # "Delete" takes precedence over a change of class ("Object Lifecycle Management").
    if any(action["type"] == "Delete" for action in actions):
        store.delete(stored.bucket, stored.name, None, Conditions({}))
        return 1
    for action in actions:
        fields = {**stored.fields, "storageClass": action["storageClass"]}
        store.overwrite(replace(stored, fields=fields))
    return 0
