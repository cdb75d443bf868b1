"""Numbers from outside, read within bounds: settings of strangers, headers, rows, stored objects.

Whatever is absent, of another type, not finite or beyond its bounds is None; what that means is for
the caller to say. Nothing here raises, however long or odd the text is.
"""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime

BITS_AT_MOST = 512  # of a whole number that may become a float
DIGITS_AT_MOST = 40  # a float written by repr has 24; int() of 4,300 digits raises
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")


def number(value: object, low: float, high: float) -> float | None:
    """A finite number within bounds, from a number or its text.

    Args:
        value: anything.
        low: the least that is taken.
        high: the greatest that is taken.
    """
    found: float
    if isinstance(value, str):
        text = value.strip()
        if len(text) > DIGITS_AT_MOST or not _NUMBER.fullmatch(text):
            return None
        found = float(text)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int) and value.bit_length() > BITS_AT_MOST:
            return None
        found = float(value)
    else:
        return None
    return found if math.isfinite(found) and low <= found <= high else None


def whole(value: object, low: int, high: int) -> int | None:
    """A whole number within bounds, from a number or its ASCII digits.

    Args:
        value: anything.
        low: the least that is taken.
        high: the greatest that is taken.
    """
    if isinstance(value, str):
        text = value.strip()
        if len(text) > DIGITS_AT_MOST or not _WHOLE.fullmatch(text):
            return None
        found = int(text)
    elif isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, float) and value.is_integer():
        found = int(value)
    else:
        return None
    return found if low <= found <= high else None


def digits(value: object, high: int, *, cut: bool = False) -> int | None:
    """A count within bounds, from a text of ASCII digits and nothing else: no sign, no space.

    So do queries and HTTP fields write one (RFC 9110, 1*DIGIT). A number is no text.

    Args:
        value: anything.
        high: the greatest that is taken.
        cut: whether a greater one counts as `high`.
    """
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        return None
    found = whole(value.lstrip("0") or "0", 0, high)
    return high if found is None and cut else found


def http_date(text: object) -> float | None:
    """An HTTP date as Unix seconds (RFC 9110, section 5.6.7); None for anything else."""
    if not isinstance(text, str) or len(text) > DIGITS_AT_MOST:
        return None
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return zoned.timestamp()


def retry_after_s(text: object, now: float, at_most_s: float) -> float | None:
    """A `Retry-After` as seconds from now (RFC 9110, section 10.2.3), never more than a bound.

    Args:
        text: of the header: seconds or an HTTP date.
        now: Unix seconds.
        at_most_s: a longer wait is cut to this; whoever asks for a year is asked again earlier.
    """
    if isinstance(text, str) and _WHOLE.fullmatch(text.strip()):
        long = len(text.strip()) > DIGITS_AT_MOST
        seconds = at_most_s if long else min(float(int(text)), at_most_s)
    else:
        at = http_date(text)
        if at is None:
            return None
        seconds = min(at - now, at_most_s)
    return max(seconds, 0.0)
