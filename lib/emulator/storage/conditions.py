"""Preconditions: read from the query (JSON API) or from headers (XML API), judged under the lock.

A condition that nobody knows is refused by name, because an ignored condition looks like a success.
Source: Cloud Storage documentation, "Request preconditions".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.emulator.storage.errors import StorageError, invalid, not_played, precondition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.objects import Stored

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
            StorageError: 400 for one that is no number, 501 for one that is not played.
        """
        wanted = {}
        for name, text in query.items():
            if not name.startswith("if"):
                continue
            if name not in NAMES:
                raise not_played(name)
            wanted[name] = _number(name, text)
        return cls(wanted)

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Conditions:
        """The conditions of an XML API call.

        Raises:
            StorageError: 400 for one that is no number, 501 for one that is not played.
        """
        wanted = {}
        for name, text in headers.items():
            if name in HEADERS:
                wanted[HEADERS[name]] = _number(name, text)
            elif name.startswith("x-goog-if-"):
                raise not_played(name)
        return cls(wanted)

    def check(self, live: Stored | None, *, reading: bool = False) -> None:
        """Judge the live object.

        Args:
            live: the object, None when there is none; it then has generation 0.
            reading: reads answer 304 to a `NotMatch` that does not hold.

        Raises:
            StorageError: 412, or 304 on a read.
        """
        for name, number in self.wanted.items():
            if live is None and name.startswith("ifMetageneration"):
                raise precondition(name)
            actual = getattr(live, NAMES[name]) if live else 0
            negated = "NotMatch" in name
            if (actual == number) is negated:
                if negated and reading:
                    raise StorageError(304, "notModified", "Not Modified")
                raise precondition(name)


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise invalid(
            f"Invalid value {text!r} for {name}: a whole number is expected.", name
        ) from None
