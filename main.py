"""What functions-framework and the platform call: `api`, `poll` and `poll_event`. Nothing clever.

Nothing is built at import: gunicorn imports this file before it forks, and a cold start that
answers `/health` needs neither the bucket nor the upstream.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import functions_framework
from werkzeug.routing.exceptions import WebsocketMismatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloudevents.http import CloudEvent
    from flask import Request
    from werkzeug.wrappers import Response

    Handler = Callable[[Exception], Response]

# The framework gives its own decorator no types.
_on_error: Callable[[int | type[Exception]], Callable[[Handler], Handler]] = (
    functions_framework.errorhandler
)

with suppress(ImportError):  # without gunicorn (Windows) the framework serves with werkzeug's
    from lib.web import worker

    worker.install()


@functions_framework.http
def api(request: Request) -> Response:
    """Everything that frontends call."""
    from lib import wiring

    return wiring.service().api(request)


@functions_framework.http
def poll(request: Request) -> Response:
    """One tick, called by Cloud Scheduler over HTTP."""
    from lib import wiring

    return wiring.service().poll(request)


@functions_framework.cloud_event
def poll_event(_event: CloudEvent) -> None:
    """The same tick as the target of an event: the same check, since an event is a POST, too."""
    import flask  # the framework's own request, which an event does not carry

    from lib import wiring

    answer = wiring.service().poll(flask.request)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        flask.abort(answer)


def _refuse_unread() -> Response | None:
    """Judge who sends an event before the framework reads all of it."""
    import flask  # the framework's own request, which is not handed over yet

    from lib import wiring

    return wiring.service().poll.refusal(flask.request)


# The framework reads an event before it calls its target; its app is behind its decorator.
_app: Any = getattr(functions_framework.errorhandler, "__self__", None)
if getattr(_app, "name", "") == "poll_event":
    _app.before_request(_refuse_unread)


@_on_error(HTTPStatus.NOT_FOUND)
@_on_error(WebsocketMismatch)
def unrouted(_error: Exception) -> Response:
    """What the framework's own routes do not take: a line break in a path, an offer to upgrade."""
    import flask  # the framework's own request, which an error does not carry

    from lib import wiring

    service = wiring.service()
    return (service.api if flask.current_app.name == "api" else service.poll)(flask.request)
