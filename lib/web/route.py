"""One call of the service: method, path, handler, and whether it needs a key.

Stands at the bottom of `web`, so that the table, the contract and the app can know it without
knowing each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

PARAMETER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Route:
    """One line of the table.

    Attributes:
        method: HTTP method; HEAD goes where GET goes.
        path: a template; each `{name}` is one segment and is handed to the handler.
        answer: the handler.
        public: whether no key is needed.
    """

    method: str
    path: str
    answer: Callable[..., Response]
    public: bool = False

    def match(self, path: str) -> tuple[str, ...] | None:
        """The segments that stand for the names in the template; None for another path."""
        pattern = "([^/]+)".join(map(re.escape, PARAMETER.split(self.path)))
        found = re.fullmatch(pattern, path)
        return found.groups() if found else None
