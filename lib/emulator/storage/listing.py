"""Listing names: prefix, delimiter, offsets and pages, in UTF-8 byte order.

Prefixes count towards a page like items. A page token names the last entry of its page, so objects
may come and go between two pages. Source: JSON API reference, "Objects: list".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from lib.emulator.numbers import whole
from lib.emulator.storage.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_AT_MOST = 1000


T = TypeVar("T")


@dataclass(frozen=True)
class ObjectPage(Generic[T]):
    """One page of a listing.

    Attributes:
        items: what was listed, in name order.
        prefixes: common prefixes in order.
        token: of the next page, None on the last.
    """

    items: list[T]
    prefixes: list[str]
    token: str | None


def page(entries: Mapping[str, T], query: Mapping[str, str]) -> ObjectPage[T]:
    """The page that the query asks for.

    Args:
        entries: everything by its name.
        query: `prefix`, `delimiter`, `startOffset`, `endOffset`, `includeTrailingDelimiter`,
            `maxResults`, `pageToken`.

    Raises:
        StorageError: 400 for a bad number, flag or token.
    """
    limit, after = _limit(query.get("maxResults")), _after(query.get("pageToken"))
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    start, end = query.get("startOffset", "").encode(), query.get("endOffset", "").encode()
    trailing = _flag(query, "includeTrailingDelimiter")
    # Name of the item or common prefix -> whether it is shown as item, as prefix.
    found: dict[bytes, tuple[bool, bool]] = {}
    for name in entries:
        raw = name.encode()
        if not name.startswith(prefix) or raw < start or (end and raw >= end):
            continue
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found[raw] = (True, False)
            continue
        common = name[: cut + len(delimiter)].encode()
        itself = trailing and raw == common
        found[common] = (itself or found.get(common, (False, False))[0], True)
    names = sorted(name for name in found if name > after)
    shown = names[:limit]
    return ObjectPage(
        [entries[name.decode()] for name in shown if found[name][0]],
        [name.decode() for name in shown if found[name][1]],
        base64.urlsafe_b64encode(shown[-1]).decode() if len(names) > limit else None,
    )


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise invalid(f"Invalid value {text!r} for {name}.", name)
    return text == "true"


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_AT_MOST
    found = whole(text)
    if found is None:
        raise invalid(f"Invalid value {text!r} for maxResults.", "maxResults")
    return min(found, PAGE_AT_MOST) or PAGE_AT_MOST


def _after(token: str | None) -> bytes:
    try:
        return base64.b64decode(token or "", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Invalid pageToken.", "pageToken") from None
