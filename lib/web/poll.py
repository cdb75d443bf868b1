"""The app that the scheduler calls: one POST, one tick, its summary as the answer.

Closed to everybody but the configured caller; knows nothing of what a tick does.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lib import logs
from lib.core.errors import METHOD_NOT_ALLOWED, ApiError
from lib.web import intake, problem
from lib.web.answer import as_json
from lib.web.last_resort import RefusalLog, answer_or_refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request, Response


class Poll:
    """What Cloud Scheduler calls.

    Args:
        run: one tick; returns its summary.
        admit: raises ApiError for a caller who may not.
        check_source: raises ApiError for a web page that found a local service.
    """

    def __init__(
        self,
        run: Callable[[], dict[str, Any]],
        admit: Callable[[str | None], None],
        check_source: Callable[[Request], None],
    ) -> None:
        self._run, self._admit, self._check_source = run, admit, check_source
        self._refusals = RefusalLog()

    def __call__(self, request: Request) -> Response:
        """Answer one request; never raises."""
        response = self._answered(request, self._answer)
        _finish(request, response)
        return response

    def refusal(self, request: Request) -> Response | None:
        """The answer to a caller who may not, from the headers alone; None for one who may.

        Args:
            request: whose body somebody else is about to read.
        """
        response = self._answered(request, self._checked)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return None
        _finish(request, response)
        return response

    def _answered(self, request: Request, answer: Callable[[Request], Response]) -> Response:
        request_id = uuid.uuid4().hex
        with logs.request(request_id, request.headers):
            response = answer_or_refuse(
                lambda: answer(request),
                lambda error: problem.answer(error, request_id),
                refusals=self._refusals,
                crash="tick.crashed",
                sentence="The tick broke; the next one goes on.",
            )
        response.headers["x-request-id"] = request_id
        return response

    def _answer(self, request: Request) -> Response:
        if request.path == "/health" and request.method in {"GET", "HEAD"}:
            self._check_source(request)
            return as_json({"status": "ok"})
        self._checked(request)
        return as_json(self._run())

    def _checked(self, request: Request) -> Response:
        self._check_source(request)
        if request.method != "POST":
            raise ApiError(
                METHOD_NOT_ALLOWED,
                f"{request.method[:20]} is not allowed here; a tick is a POST.",
                headers={"Allow": "POST"},
            )
        self._admit(request.headers.get("Authorization"))
        return as_json({})


def _finish(request: Request, response: Response) -> None:
    intake.finish(request, response)  # the framework would read all of the body
    request.close()
