"""Stored records are read field by field, whoever wrote them: an older revision or a newer one.

A field that nobody knows is ignored, one that is missing gets its default, one of another type or
beyond its bounds makes the whole record unreadable: it is then left alone, never guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lib.core.errors import RECORD_UNREADABLE, ApiError
from lib.core.outside import numbers
from lib.core.outside.documents import document

if TYPE_CHECKING:
    import re
    from collections.abc import Collection

SCHEMA = 1  # how stored objects may grow: .github/CONTRIBUTING.md
MOMENT_AT_MOST = 1e11  # Unix seconds; far beyond every clock, and still a date
COUNT_AT_MOST = 1_000_000
WHOLE_AT_MOST = (1 << 63) - 1  # of what is kept as it is: generations, seeds
SHORT_AT_MOST = 256  # characters of a token or a hash
_MISSING: Any = object()


class NotReadable(ValueError):
    """A record that this revision cannot read; says which field, and never what stands in it."""


class RecordUnreadable(ApiError):
    """The answer about a job whose record cannot be read.

    Args:
        name: of the object.
        why: which field is at fault.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            RECORD_UNREADABLE,
            "The record of this job is kept, and nothing was lost, but this revision of the "
            f"service cannot read it ({why}). A newer revision may; its operator can look at the "
            "object, which the log names.",
            retry_after_s=60,
        )
        self.name, self.why = name, why


def record(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a body.

    Raises:
        NotReadable: there is none.
    """
    try:
        data = document(body)
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotReadable("a text of the body is half a character") from None
    except (ValueError, RecursionError):
        raise NotReadable("the body is no JSON") from None
    if not isinstance(data, dict):
        raise NotReadable("the body is no JSON object")
    return data


class Fields:
    """Reads the fields of one record; a missing one without a default makes it unreadable.

    Args:
        data: the record.
        of: what it is, for the reason.

    Raises:
        NotReadable: it is no table.
    """

    def __init__(self, data: object, of: str) -> None:
        if not isinstance(data, Mapping):
            raise NotReadable(f"{of} is no table")
        self._data, self._of = data, of

    def _value(self, name: str, default: object) -> Any:
        found = self._data.get(name, default)
        if found is _MISSING:
            raise NotReadable(f"{self._of} has no {name}")
        return found

    def _odd(self, name: str) -> NotReadable:
        return NotReadable(f"{name} of {self._of} is of another type or beyond its bounds")

    def text(self, name: str, default: str = _MISSING, *, at_most: int | None = None) -> str:
        """A text, of so many characters at most."""
        found = self._value(name, default)
        if not isinstance(found, str) or (at_most is not None and len(found) > at_most):
            raise self._odd(name)
        return found

    def anything(self, name: str) -> object:
        """Whatever stands there; None where nothing does."""
        return self._data.get(name)

    def matching(self, name: str, pattern: re.Pattern[str]) -> str:
        """A text of that form; empty where nothing stands."""
        found = self.text(name, "")
        if found and not pattern.fullmatch(found):
            raise self._odd(name)
        return found

    def text_or_none(self, name: str) -> str | None:
        """A text; None where it is null or missing."""
        return None if self._data.get(name) is None else self.text(name)

    def number(self, name: str, default: float = _MISSING, high: float = MOMENT_AT_MOST) -> float:
        """A number from 0 on; by default a moment in Unix seconds."""
        found = numbers.number(self._value(name, default), 0.0, high)
        if found is None:
            raise self._odd(name)
        return found

    def whole(self, name: str, default: int = _MISSING, high: int = COUNT_AT_MOST) -> int:
        """A whole number from 0 on."""
        found = numbers.whole(self._value(name, default), 0, high)
        if found is None:
            raise self._odd(name)
        return found

    def whole_or_none(self, name: str, high: int) -> int | None:
        """A whole number from 0 on; None where it is null or missing."""
        return None if self._data.get(name) is None else self.whole(name, high=high)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        found = self._value(name, default)
        if not isinstance(found, bool):
            raise self._odd(name)
        return found

    def flag_or_none(self, name: str, *, default: bool | None = None) -> bool | None:
        """True, false, or null where nobody can know."""
        found = self._value(name, default)
        return None if found is None else self.flag(name, default=False)

    def pair(self, name: str) -> tuple[int, int]:
        """Two whole numbers from 0 on."""
        match self._value(name, _MISSING):
            case [first, second]:
                both = Fields({"first": first, "second": second}, f"{name} of {self._of}")
                return both.whole("first"), both.whole("second")
        raise self._odd(name)

    def moments(self, name: str) -> dict[str, float]:
        """A table of moments in Unix seconds; what else stands there is ignored."""
        found = self.table(name, {})
        read = {key: numbers.number(each, 0.0, MOMENT_AT_MOST) for key, each in found.items()}
        return {key: at for key, at in read.items() if at is not None}

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is missing."""
        found = self._value(name, ())
        if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
            raise self._odd(name)
        return tuple(found)

    def table(self, name: str, default: dict[str, Any] = _MISSING) -> dict[str, Any]:
        """A table with fields of its own."""
        found = self._value(name, default)
        if not isinstance(found, dict):
            raise self._odd(name)
        return found

    def beside(self, names: Collection[str]) -> dict[str, Any]:
        """Whatever stands in the record under other names."""
        return {name: value for name, value in self._data.items() if name not in names}

    def given(self, name: str) -> bool:
        """Whether something else than null stands there."""
        return self._data.get(name) is not None
