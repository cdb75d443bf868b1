"""The route table of the native dialect: what can be called, and who may.

One source for the app, the contract at `/openapi.json` and the tests that walk over every
call. Whoever is not `public` needs a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.web.contract.page import Docs
from lib.web.native.about import About
from lib.web.native.deliveries import WebhookDeliveries
from lib.web.native.uploads import FrameUploads
from lib.web.native.videos import Videos
from lib.web.route import Route

if TYPE_CHECKING:
    from lib.flows.context import Context

ONE = "/v1/videos/{id}"


def table(context: Context, *, max_body_bytes: int, implicit_s: float) -> tuple[Route, ...]:
    """The calls of the service, in the order of the contract.

    Args:
        context: what the flows work with.
        max_body_bytes: the largest request.
        implicit_s: for how long a client's own re-send counts as the same create, seconds.
    """
    videos, about = Videos(context, max_body_bytes, implicit_s), About(context)
    webhooks = WebhookDeliveries(context)
    calls = (
        Route("POST", "/v1/videos", videos.create),
        Route("GET", "/v1/videos", videos.list),
        Route("GET", ONE, videos.get),
        Route("DELETE", ONE, videos.delete),
        Route("GET", f"{ONE}/content", videos.content),
        Route("POST", f"{ONE}/cancel", videos.cancel),
        Route("POST", f"{ONE}/retry", videos.retry),
        Route("GET", f"{ONE}/webhook-deliveries", webhooks.list),
        Route("POST", f"{ONE}/webhook-deliveries", webhooks.redeliver),
        Route("POST", "/v1/uploads", FrameUploads(context, max_body_bytes).create),
        Route("GET", "/v1/models", about.models),
        Route("GET", "/health", about.health, public=True),
        Route("GET", "/ready", about.ready, public=True),
    )
    return (*calls, *Docs(calls).routes)
