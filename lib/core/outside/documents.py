"""JSON from outside, whoever wrote it: callers, the upstream, the bucket, Google.

Reading costs time in proportion to the text and raises one exception. A number of more digits than
anything here has a use for becomes an infinite one, so that it is beyond the bounds of its own
field and hides no other. What the fields mean is for others to say.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DIGITS_AT_MOST = 400  # of a whole number; the greatest float has 309, and int() refuses 4,301


class NotJson(ValueError):
    """A text that is no JSON; the message says what is wrong, and where it can, at which place."""


def document(
    text: str | bytes,
    *,
    once: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
    strict: bool = False,
) -> Any:
    """What a JSON text says.

    Args:
        text: as it came; bytes are UTF-8, or UTF-16 or UTF-32 as their first bytes tell.
        once: makes an object of its pairs; by default the last of two equal names counts.
        strict: whether `NaN` and `Infinity` are refused, which JSON does not have and some write.

    Raises:
        NotJson: it says nothing.
    """
    try:
        return json.loads(
            text,
            parse_int=_whole,
            parse_constant=_refused if strict else None,
            object_pairs_hook=once,
        )
    except json.JSONDecodeError as error:
        place = f"at line {error.lineno}, column {error.colno}"
        raise NotJson(f"is not valid JSON: {error.msg} {place}.") from None
    except UnicodeDecodeError as error:
        raise NotJson(f"is not UTF-8 (byte {error.start} is wrong).") from None
    except RecursionError:
        raise NotJson("is nested too deeply.") from None


def _whole(text: str) -> float:
    if len(text) <= DIGITS_AT_MOST:
        return int(text)
    return -math.inf if text.startswith("-") else math.inf


def _refused(name: str) -> object:
    raise NotJson(f"is not valid JSON: {name} is not allowed in it.")
