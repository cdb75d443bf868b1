"""What functions-framework and the platform call: `api`, `poll` and `poll_event`. Nothing clever.

Nothing is built at import: gunicorn imports this file before it forks, and a cold start that
answers `/health` needs neither the bucket nor the upstream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent
    from flask import Request
    from werkzeug.wrappers import Response


@functions_framework.http
def api(request: Request) -> Response:
    """Everything that frontends call."""
    from lib import wiring  # noqa: PLC0415 - nothing is built at import

    return wiring.service().api(request)


@functions_framework.http
def poll(request: Request) -> Response:
    """One tick, called by Cloud Scheduler over HTTP."""
    from lib import wiring  # noqa: PLC0415 - nothing is built at import

    return wiring.service().poll(request)


@functions_framework.cloud_event
def poll_event(_event: CloudEvent) -> None:
    """The same tick as the target of an event: the same door, since an event is a POST, too."""
    import flask  # noqa: PLC0415 - the framework's own request, which an event does not carry

    from lib import wiring  # noqa: PLC0415 - nothing is built at import

    answer = wiring.service().poll(flask.request)
    if answer.status_code >= 400:  # noqa: PLR2004 - HTTP's own
        flask.abort(answer)


@functions_framework.errorhandler(404)  # type: ignore[untyped-decorator] # the framework's own
def unrouted(_error: Exception) -> Response:
    """A path that the framework's own routes do not know, such as one with a line break in it."""
    import flask  # noqa: PLC0415 - the framework's own request, which an error does not carry

    from lib import wiring  # noqa: PLC0415 - nothing is built at import

    service = wiring.service()
    return (service.api if flask.current_app.name == "api" else service.poll)(flask.request)
