"""The route table of the native dialect: what can be called, and who may.

One source for the front door, the contract at `/openapi.json` and the tests that walk over every
call. Whoever is not `public` needs a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.web.contract.page import Docs
from lib.web.native.about import About
from lib.web.native.deliveries import WebhookDeliveries
from lib.web.native.uploads import FrameUploads
from lib.web.native.videos import Videos

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from lib.flows.context import Kit

ONE = "/v1/videos/{id}"
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


def table(kit: Kit, *, max_body_bytes: int, implicit_s: float) -> tuple[Route, ...]:
    """The calls of the service, in the order of the contract.

    Args:
        kit: the hands of the flows.
        max_body_bytes: the largest request.
        implicit_s: for how long a client's own re-send counts as the same create, seconds.
    """
    videos, about = Videos(kit, max_body_bytes, implicit_s), About(kit)
    webhooks = WebhookDeliveries(kit)
    docs = Docs(lambda: routes)
    routes = (
        Route("POST", "/v1/videos", videos.create),
        Route("GET", "/v1/videos", videos.list),
        Route("GET", ONE, videos.get),
        Route("DELETE", ONE, videos.delete),
        Route("GET", f"{ONE}/content", videos.content),
        Route("POST", f"{ONE}/cancel", videos.cancel),
        Route("POST", f"{ONE}/retry", videos.retry),
        Route("GET", f"{ONE}/webhook-deliveries", webhooks.list),
        Route("POST", f"{ONE}/webhook-deliveries", webhooks.again),
        Route("POST", "/v1/uploads", FrameUploads(kit, max_body_bytes).create),
        Route("GET", "/v1/models", about.models),
        Route("GET", "/health", about.health, public=True),
        Route("GET", "/ready", about.ready, public=True),
        Route("GET", "/openapi.json", docs.json, public=True),
        Route("GET", "/docs", docs.page, public=True),
    )
    return routes
