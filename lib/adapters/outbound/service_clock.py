"""How far a service's clock is from ours, by the `Date` of its answers (RFC 9110, section 6.6.1).

An answer's date was written between our question and its arrival, to the second: what answers
agree on is certain, and only that is corrected. It changes no clock and refuses
nothing; whoever sends or concludes asks it whether our times can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lib.core.outside.numbers import http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

EXACT_S = 1.0  # a date names the second in which it was written


@dataclass(frozen=True)
class OffsetBounds:
    """Between which bounds a service's clock is ahead of ours, seconds; negative when it is behind.

    Attributes:
        low: at least so much.
        high: at most so much.
    """

    low: float
    high: float

    @property
    def certain_s(self) -> float:
        """The least distance that explains it: 0 when the two clocks may agree."""
        return min(max(0.0, self.low), self.high) if self.low <= self.high else 0.0

    def meets(self, other: OffsetBounds) -> OffsetBounds | None:
        """What both allow, None when they contradict each other."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return OffsetBounds(low, high) if low <= high else None


class ServiceClock:
    """One service's clock beside ours.

    Args:
        now: our Unix seconds.
        at_most_s: what is corrected at most; a clock that is further off is not followed.
    """

    def __init__(self, now: Callable[[], float], at_most_s: float) -> None:
        self._now, self._at_most_s = now, at_most_s
        self._last: OffsetBounds | None = None
        self._agreed: OffsetBounds | None = None

    @property
    def ahead_s(self) -> float:
        """By how much the service's clock is ahead of ours, as far as answers agree on it."""
        found = self._agreed.certain_s if self._agreed else 0.0
        return min(max(found, -self._at_most_s), self._at_most_s)

    @property
    def off_s(self) -> float:
        """How far apart the clocks certainly are, by the last answer alone; never negative."""
        return abs(self._last.certain_s) if self._last else 0.0

    def note(self, date: object, asked_at: float, arrived_at: float) -> None:
        """Take an answer's date.

        Args:
            date: the header; one that cannot be read says nothing.
            asked_at: before the request left, our Unix seconds.
            arrived_at: when the answer's head was there, our Unix seconds.
        """
        at = http_date(date)
        if at is None:
            return
        span = OffsetBounds(at - arrived_at, at + EXACT_S - asked_at)
        narrower = self._agreed.meets(span) if self._agreed else None
        # One odd date changes nothing; two that contradict what was agreed on say that it moved.
        moved = self._last.meets(span) if self._last else span
        self._agreed = narrower or moved or self._agreed
        self._last = span

    def watch(self, session: requests.Session, base: str = "") -> requests.Session:
        """A session whose answers are noted from now on; the same object.

        Args:
            session: to the service.
            base: how the service's own addresses begin; other hosts have clocks of their own.
        """
        send = session.send

        def noted(request: requests.PreparedRequest, **options: Any) -> requests.Response:
            asked_at = self._now()
            response = send(request, **options)
            # A cache's copy has an old date.
            if "Age" not in response.headers and str(request.url).startswith(base):
                self.note(response.headers.get("Date"), asked_at, self._now())
            return response

        session.send = noted  # type: ignore[method-assign] # the one place that all answers pass
        return session
