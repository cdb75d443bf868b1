"""`/v1/videos/{id}/webhook-deliveries`: a job's webhook: its attempts so far, and one more.

Thin: call the flow, show. What a receiver answered is shown as its status and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.flows.webhooks import log as flow
from lib.web.answer import as_json

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from lib.core.webhooks import Try
    from lib.flows.context import Context
    from lib.flows.webhooks.log import Deliveries

FRESH = {"Cache-Control": "no-store"}


class WebhookDeliveries:
    """Handlers of a job's delivery log.

    Args:
        context: what the flows work with.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self, _request: Request, owner: str, job_id: str) -> Response:
        """`GET /v1/videos/{id}/webhook-deliveries`."""
        return as_json(show(flow.deliveries(self._context, owner, job_id)), headers=FRESH)

    def redeliver(self, _request: Request, owner: str, job_id: str) -> Response:
        """`POST /v1/videos/{id}/webhook-deliveries`: 202, a tick does it."""
        return as_json(show(flow.redeliver(self._context, owner, job_id)), 202, FRESH)


def show(found: Deliveries) -> dict[str, Any]:
    """The log as its owner reads it, oldest try first."""
    message = flow.message(found)
    return {
        "object": "list",
        "webhook_id": message,
        "state": found.state,
        "next_try_at": int(found.next_at) if found.next_at is not None else None,
        "data": [_row(message, one) for one in found.log],
        "has_more": False,
    }


def _row(message: str, one: Try) -> dict[str, Any]:
    return {
        "id": f"{message}.{one.number}",
        "object": "webhook_delivery",
        "attempt": one.number,
        "at": one.at,
        "status": one.status or None,
        "outcome": one.outcome,
    }
