"""Preconditions: read from the query (JSON API) or from headers (XML API), checked under the lock.

An unknown condition is refused by name, because an ignored condition looks like a success.
Sources: Cloud Storage documentation, "Request preconditions"; RFC 9110, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from lib.emulator.numbers import whole
from lib.emulator.storage.errors import StorageError, invalid, not_implemented, precondition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.model.states import Stored

NAMES = {
    "ifGenerationMatch": "generation",
    "ifGenerationNotMatch": "generation",
    "ifMetagenerationMatch": "metageneration",
    "ifMetagenerationNotMatch": "metageneration",
}
HEADERS = {
    "x-goog-if-generation-match": "ifGenerationMatch",
    "x-goog-if-metageneration-match": "ifMetagenerationMatch",
}
VALIDATORS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


class Versioned(Protocol):
    """What conditions are checked against: an object or a bucket."""

    @property
    def metageneration(self) -> int:
        """Version of the metadata."""


@dataclass(frozen=True)
class Conditions:
    """What must hold of the live object.

    Attributes:
        wanted: parameter name to number.
    """

    wanted: Mapping[str, int]

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Conditions:
        """The conditions of a JSON API call.

        Raises:
            StorageError: 400 for one that is no number, 501 for one that is not implemented.
        """
        wanted = {}
        for name, text in query.items():
            if not name.startswith("if"):
                continue
            if name not in NAMES:
                raise not_implemented(name)
            wanted[name] = _number(name, text)
        return cls(wanted)

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Conditions:
        """The conditions of an XML API call.

        Raises:
            StorageError: 400 for one that is no number, 501 for one that is not implemented.
        """
        wanted = {}
        for name, text in headers.items():
            if name in HEADERS:
                wanted[HEADERS[name]] = _number(name, text)
            elif name.startswith("x-goog-if-"):
                raise not_implemented(name)
        return cls(wanted)

    def check(self, live: Versioned | None, *, reading: bool = False) -> None:
        """Check the live object.

        Args:
            live: the object, None when there is none; it then has generation 0.
            reading: reads answer 304 to a `NotMatch` that does not hold.

        Raises:
            StorageError: 412, or 304 on a read.
        """
        for name, number in sorted(self.wanted.items(), key=lambda item: "NotMatch" in item[0]):
            if live is None and name.startswith("ifMetageneration"):
                raise precondition(name)
            actual = getattr(live, NAMES[name]) if live else 0
            negated = "NotMatch" in name
            if (actual == number) is negated:
                if negated and reading:
                    raise not_modified()
                raise precondition(name)


def not_modified(headers: Mapping[str, str] | None = None) -> StorageError:
    """304: the caller has it already."""
    return StorageError(
        304, "notModified", "Not Modified", "NotModified", headers={**(headers or {})}
    )


def check_validators(
    stored: Stored, headers: Mapping[str, str], shown: Mapping[str, str] | None = None
) -> None:
    """Check the HTTP validators of a read (RFC 9110, section 13.2.2).

    Args:
        stored: the live object; its etags of both APIs count.
        headers: of the request, lower-case names.
        shown: headers that a 304 repeats.

    Raises:
        StorageError: 412 or 304.
    """
    etags = {stored.etag, stored.content_etag, "*"}
    seconds = int(stored.updated)
    if wanted := headers.get("if-match"):
        if not etags & _etags(wanted):
            raise precondition("If-Match")
    elif (since := _moment(headers.get("if-unmodified-since"))) is not None and seconds > since:
        raise precondition("If-Unmodified-Since")
    if known := headers.get("if-none-match"):
        if etags & _etags(known):
            raise not_modified(shown)
    elif (since := _moment(headers.get("if-modified-since"))) is not None and seconds <= since:
        raise not_modified(shown)


def refuse_validators(headers: Mapping[str, str]) -> None:
    """Refuse HTTP validators on a write, where they are not implemented.

    Raises:
        StorageError: 501 by name.
    """
    for name in VALIDATORS:
        if name in headers:
            raise not_implemented(f"the header {name} on a write")


def _etags(text: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in text.split(",")}


def _moment(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None  # RFC 9110: a date that is none is ignored


def _number(name: str, text: str) -> int:
    found = whole(text.removeprefix("-"))
    if found is None:
        raise invalid(f"Invalid value {text[:100]!r} for {name}: a whole number is expected.", name)
    return -found if text.startswith("-") else found
