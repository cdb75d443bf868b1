"""One call of the service, and how a method and a path lead to it.

Stands at the bottom of `web`, so that the table, the contract and the apps can know it without
knowing each other. Redirects nobody: a path with a slash too many is another path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.routing import Map, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from werkzeug.wrappers import Response

PARAMETER = re.compile(r"\{(\w+)\}")


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


class Router:
    """Finds the route of a request; its tables are made once.

    Args:
        routes: no two of one method and path.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        rules = [
            Rule(PARAMETER.sub(r"<\1>", route.path), methods=[route.method], endpoint=route)
            for route in routes
        ]
        urls = Map(rules, strict_slashes=True, merge_slashes=False, redirect_defaults=False)
        self._urls = urls.bind("", default_method="")
        urls.update()

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The route, and the segments that stand for the names in its template.

        Args:
            method: as it came; only HEAD is taken for another one, GET.
            path: unquoted, without the query.

        Raises:
            NotFound: no route has this path (werkzeug's).
            MethodNotAllowed: some have, and take `valid_methods` (werkzeug's).
        """
        route, segments = self._urls.match(path, method)
        return route, tuple(segments.values())
