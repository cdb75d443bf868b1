"""Numbers and JSON as strangers write them: read within bounds, or not at all.

`int` takes signs, spaces and digits of every script and refuses four thousand of them with an error
that nobody expects; `json.loads` gives up on nesting with another. Here both are just no number and
no document; what that means is the caller's protocol.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DIGITS = re.compile(r"[0-9]{1,19}")
_TOO_LARGE = 10**19


def whole(text: str) -> int | None:
    """A whole number, not negative; one beyond 19 digits counts as the largest.

    Args:
        text: ASCII digits, and nothing else.

    Returns:
        None for anything else.
    """
    if _DIGITS.fullmatch(text):
        return int(text)
    return _TOO_LARGE if text.isascii() and text.isdigit() else None


def document(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, or nested too deep, or a number or a character of it means
            nothing (NaN, half a surrogate pair, thousands of digits).
    """
    try:
        found = json.loads(text, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")
