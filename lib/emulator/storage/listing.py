"""Listing objects: prefix, delimiter, offsets and pages, in UTF-8 byte order.

A page token names the last entry of its page, so that objects may come and go between two pages.
Source: JSON API reference, "Objects: list".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.emulator.storage.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.emulator.storage.objects import Stored

PAGE_AT_MOST = 1000


@dataclass(frozen=True)
class Page:
    """One page of a listing.

    Attributes:
        items: objects in name order.
        prefixes: common prefixes in order.
        token: of the next page, None on the last.
    """

    items: list[Stored]
    prefixes: list[str]
    token: str | None


def page(objects: Iterable[Stored], query: Mapping[str, str]) -> Page:
    """The page that the query asks for.

    Args:
        objects: all live objects of the bucket.
        query: `prefix`, `delimiter`, `startOffset`, `endOffset`, `includeTrailingDelimiter`,
            `maxResults`, `pageToken`.

    Raises:
        StorageError: 400 for a bad number or token.
    """
    limit = _limit(query.get("maxResults"))
    after = _after(query.get("pageToken"))
    entries = _entries(objects, query)
    names = sorted((name for name in entries if name.encode() > after), key=str.encode)
    shown = names[:limit]
    token = None
    if len(names) > limit:
        token = base64.urlsafe_b64encode(shown[-1].encode()).decode()
    found = [(name, entries[name]) for name in shown]
    items = [stored for _, (stored, _prefix) in found if stored is not None]
    prefixes = [name for name, (_, prefix) in found if prefix]
    return Page(items, prefixes, token)


def _entries(
    objects: Iterable[Stored], query: Mapping[str, str]
) -> dict[str, tuple[Stored | None, bool]]:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    start, end = query.get("startOffset", "").encode(), query.get("endOffset", "").encode()
    trailing = query.get("includeTrailingDelimiter", "false") == "true"
    entries: dict[str, tuple[Stored | None, bool]] = {}
    for stored in objects:
        name, raw = stored.name, stored.name.encode()
        if not name.startswith(prefix) or raw < start or (end and raw >= end):
            continue
        at = name.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            entries[name] = (stored, False)
            continue
        common = name[: at + len(delimiter)]
        itself = stored if trailing and name == common else None
        entries[common] = (itself or entries.get(common, (None, True))[0], True)
    return entries


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_AT_MOST
    if not text.isdigit():
        raise invalid(f"Invalid value {text!r} for maxResults.", "maxResults")
    return min(int(text), PAGE_AT_MOST) or PAGE_AT_MOST


def _after(token: str | None) -> bytes:
    try:
        return base64.urlsafe_b64decode(token or "")
    except (binascii.Error, ValueError):
        raise invalid("Invalid pageToken.", "pageToken") from None
