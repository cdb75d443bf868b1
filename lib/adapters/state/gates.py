"""What shares the rate of an account, and where ticks stop: small values in objects under `gates/`.

Safety never depends on them: a value that cannot be read, or lies further ahead than anything of
ours would write, is as if it had never been written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from lib.core.outside.numbers import number, whole
from lib.core.protocol.slots import RUNNING_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.adapters.bucket.metadata import Meta

AHEAD_AT_MOST_S = 300.0  # however long somebody asks us to wait, they are asked again after this
TURN_AT_MOST_S = 1800.0  # the longest tick that can be configured takes 1700 s
SKEW_AT_MOST_S = 60.0  # two clocks of ours are never farther apart
REFUSALS_AT_MOST = 16
PLACE_AT_MOST = 128


def soon(value: object, now: float) -> float:
    """A moment that something of ours may have written; 0 for any other.

    Args:
        value: as it stands in an object.
        now: Unix seconds.
    """
    return number(value, 0.0, now + AHEAD_AT_MOST_S + SKEW_AT_MOST_S) or 0.0


@dataclass(frozen=True)
class Gate:
    """The shared rate limit of one account.

    Attributes:
        account: which.
        meta: the object's versions; None before it was first written.
        next_send: Unix seconds before which nobody sends.
        free: task slots believed free upstream.
        cursor: the owner who sent last.
        consecutive_refusals: refusals for rate or fullness in a row.
    """

    account: str
    meta: Meta | None
    next_send: float = 0.0
    free: int = RUNNING_AT_MOST
    cursor: str = ""
    consecutive_refusals: int = 0

    @classmethod
    def read(cls, account: str, meta: Meta | None, now: float) -> Self:
        """The gate in an object, as far as it can be read."""
        if meta is None:
            return cls(account, None)
        values = meta.metadata
        free = whole(values.get("free"), 0, RUNNING_AT_MOST)
        cursor = values.get("cursor")
        return cls(
            account,
            meta,
            soon(values.get("next_send"), now),
            RUNNING_AT_MOST if free is None else free,
            cursor if isinstance(cursor, str) else "",
            whole(values.get("strikes"), 0, REFUSALS_AT_MOST) or 0,
        )

    def capped(self, now: float) -> Self:
        """The gate within its bounds, whatever somebody asked for."""
        return replace(
            self,
            next_send=min(self.next_send, now + AHEAD_AT_MOST_S),
            free=min(self.free, RUNNING_AT_MOST),
            consecutive_refusals=min(self.consecutive_refusals, REFUSALS_AT_MOST),
        )

    def values(self, by: str) -> dict[str, str]:
        """Custom metadata."""
        return {
            "by": by,
            "next_send": repr(self.next_send),
            "free": str(self.free),
            "cursor": self.cursor,
            "strikes": str(self.consecutive_refusals),
        }


@dataclass(frozen=True)
class PollLease:
    """Who asks an account's upstream about its tasks: one process at a time.

    Attributes:
        account: which.
        meta: the object's versions; None before it was first written.
        until: when the holder's turn ends, Unix seconds.
        next_list: Unix seconds before which nobody lists.
    """

    account: str
    meta: Meta | None
    until: float = 0.0
    next_list: float = 0.0

    @classmethod
    def read(cls, account: str, meta: Meta | None, now: float) -> Self:
        """The lease in an object, as far as it can be read."""
        if meta is None:
            return cls(account, None)
        until = number(meta.metadata.get("until"), 0.0, now + TURN_AT_MOST_S + SKEW_AT_MOST_S)
        return cls(account, meta, until or 0.0, soon(meta.metadata.get("next_list"), now))

    def capped(self, now: float) -> Self:
        """The lease within its bounds, whatever somebody asked for."""
        return replace(
            self,
            until=min(self.until, now + TURN_AT_MOST_S),
            next_list=min(self.next_list, now + AHEAD_AT_MOST_S),
        )

    def values(self, by: str) -> dict[str, str]:
        """Custom metadata."""
        return {
            "by": by,
            "until": repr(self.until),
            "next_list": repr(self.next_list),
        }


@dataclass(frozen=True)
class Cursor:
    """Where a tick stopped that was cut short; losing it costs nothing but fairness.

    Attributes:
        meta: the object's versions; None before it was first written.
        at: when it was written, Unix seconds.
        places: the word for a loop to the last thing that it did.
    """

    meta: Meta | None
    at: float = 0.0
    places: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, meta: Meta | None, now: float) -> Self:
        """The cursor in an object, as far as it can be read."""
        if meta is None:
            return cls(None)
        at = number(meta.metadata.get("at"), 0.0, now + SKEW_AT_MOST_S) or 0.0
        texts = {name: text for name, text in meta.metadata.items() if isinstance(text, str)}
        return cls(meta, at, texts)

    def values(self) -> dict[str, str]:
        """Custom metadata."""
        short = {name: text for name, text in self.places.items() if len(text) <= PLACE_AT_MOST}
        return {**short, "by": repr(self.at), "at": repr(self.at)}
