"""Texts and trees from outside, cut to bounds: whatever is kept or shown of somebody else's answer.

What is of another type becomes nothing, what is too long or too deep is cut. Nothing here raises,
and everything that comes out can be written as JSON and read again. Numbers alone: `core.numbers`.
"""

from __future__ import annotations

from typing import Any

from lib.core.outside.numbers import number

EXACT = 2.0**53  # greater whole numbers lose digits in clients whose numbers are doubles
NAME_AT_MOST, TEXT_AT_MOST = 64, 256  # characters of a key, and of a text in a tree
DEPTH_AT_MOST, VALUES_AT_MOST = 4, 64


def text(value: object, at_most: int) -> str:
    """A text, cut; empty for anything else.

    Half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes a question mark.

    Args:
        value: anything.
        at_most: characters kept.
    """
    if not isinstance(value, str):
        return ""
    return value[:at_most].encode("utf-8", "replace").decode()


def members(value: object) -> dict[str, Any]:
    """A JSON object as it may be kept; empty for anything else.

    Left out is what is too deep, what is no finite number of sensible size, and whatever comes
    after the first `VALUES_AT_MOST` values.

    Args:
        value: anything.
    """
    return _members(value, DEPTH_AT_MOST, [VALUES_AT_MOST]) if isinstance(value, dict) else {}


def _members(value: dict[Any, Any], depth: int, left: list[int]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        if left[0] <= 0:
            break
        found = _value(inner, depth, left)
        if found is not None or inner is None:
            kept[text(str(name), NAME_AT_MOST)] = found
    return kept


def _value(value: Any, depth: int, left: list[int]) -> Any:
    """A value within bounds; None for one that is left out, and for null."""
    left[0] -= 1
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return None if number(value, -EXACT, EXACT) is None else value
    if isinstance(value, str):
        return text(value, TEXT_AT_MOST)
    if depth > 1 and isinstance(value, dict):
        return _members(value, depth - 1, left)
    if depth > 1 and isinstance(value, list):
        found = (_value(inner, depth - 1, left) for inner in value[: max(left[0], 0)])
        return [inner for inner in found if inner is not None]
    return None
