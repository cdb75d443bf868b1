"""From a raw request to the handler that answers it: the route table and what handlers are given.

Routes are matched on the raw path, because object names may hold anything once they are decoded,
and a name such as `x/acl` or `b/o/rewriteTo/b/y/o/z` must stay a name. A parameter or an endpoint
that no route names answers 501: nothing is ignored silently.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Response

from lib.emulator.body import Dropped
from lib.emulator.numbers import document, whole
from lib.emulator.storage.errors import invalid, not_implemented
from lib.emulator.storage.resources import project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lib.emulator.storage.signatures import RawRequest

BLOCK = 1 << 16
# Parameters of every JSON API call that change no result ("Query parameters for JSON"); `alt` is
# checked below, and without ACLs both projections are the same.
HARMLESS = frozenset({"alt", "prettyPrint", "key", "quotaUser", "userIp", "userProject"})
JSON = "application/json; charset=UTF-8"
BUCKET = r"/storage/v1/b/([^/]+)"  # the path of a bucket in the JSON API


@dataclass(frozen=True)
class Call:
    """A request on its way to a handler.

    Attributes:
        raw: the raw request.
        query: the decoded parameters; of two of one name the last.
        base: scheme and host to put into links.
        stream: the body.
    """

    raw: RawRequest
    query: Mapping[str, str]
    base: str
    stream: IO[bytes]

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names to values."""
        return self.raw.headers

    def received(self) -> tuple[bytes, bool]:
        """The body as far as it came, and whether the connection broke on the way."""
        read: Callable[[int], bytes] = getattr(self.stream, "read1", self.stream.read)
        parts = []
        try:
            while part := read(BLOCK):
                parts.append(part)
        except (ClientDisconnected, OSError):
            return b"".join(parts), True
        return b"".join(parts), False

    def data(self) -> bytes:
        """The whole body.

        Raises:
            Dropped: it did not come whole, and its sender is gone.
        """
        data, cut = self.received()
        if cut:
            raise Dropped("the caller went away while sending")
        return data

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            StorageError: 400.
        """
        try:
            data = document(self.data() or b"{}")
        except ValueError:
            raise invalid("Parse Error: the body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise invalid("The body must be a JSON object.")
        return data

    @property
    def generation(self) -> int | None:
        """The `generation` parameter.

        Raises:
            StorageError: 400.
        """
        text = self.query.get("generation")
        found = whole(text) if text is not None else None
        if text is not None and found is None:
            raise invalid(f"Invalid value {text!r} for generation.", "generation")
        return found

    def answer(self, resource: Mapping[str, Any]) -> Response:
        """A JSON answer, cut down to what `fields` selects."""
        body = json.dumps(project(resource, self.query.get("fields")))
        headers = {"ETag": resource["etag"]} if "etag" in resource else {}
        return Response(body, 200, headers, content_type=JSON)


@dataclass(frozen=True)
class StorageRoute:
    """One line of the table.

    Attributes:
        name: what the service calls the method, such as `objects.insert`.
        method: HTTP method.
        path: the raw path as a pattern; the handler gets its groups decoded.
        answer: the handler.
        parameters: the query parameters that it understands; None when it checks them itself.
    """

    name: str
    method: str
    path: str
    answer: Callable[..., Response]
    parameters: frozenset[str] | None = frozenset()


class RouteTable:
    """All routes.

    Args:
        routes: in the order in which they are tried.
    """

    def __init__(self, routes: Iterable[StorageRoute]) -> None:
        self._routes: dict[str, list[tuple[re.Pattern[str], StorageRoute]]] = defaultdict(list)
        for route in routes:
            self._routes[route.method].append((re.compile(route.path), route))

    def find(self, call: Call) -> tuple[StorageRoute, list[str]]:
        """The route of a call and the decoded parts of its path.

        Raises:
            StorageError: 501 for an endpoint or a parameter that is not implemented.
        """
        raw = call.raw
        for pattern, route in self._routes[raw.method]:
            if match := pattern.fullmatch(raw.path):
                if route.parameters is not None:
                    check_parameters(route.name, route.parameters, call)
                return route, [unquote(text) for text in match.groups()]
        raise not_implemented(f"the endpoint {raw.method} {unquote(raw.path)}")


def check_parameters(name: str, known: frozenset[str], call: Call) -> None:
    """Refuse a query parameter that would change the result and is not implemented.

    Raises:
        StorageError: 501 by name.
    """
    for parameter in call.query:
        if parameter not in known and parameter not in HARMLESS:
            raise not_implemented(f"the parameter {parameter} of {name}")
    if call.query.get("alt", "json") not in {"json", "media"}:
        raise not_implemented(f"alt={call.query['alt']}")
