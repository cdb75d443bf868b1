"""The last resort of every app: an error becomes an answer, whatever it is.

What nobody expected is logged as a crash and answered as `internal_error`; nothing of its own text
leaves the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib import logs
from lib.core.errors import INTERNAL_ERROR, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response


def answer_or_refuse(
    answer: Callable[[], Response],
    refuse: Callable[[ApiError], Response],
    *,
    crash: str,
    sentence: str,
    **known: Any,
) -> Response:
    """The answer to a request, or its refusal; never raises.

    Args:
        answer: makes the answer; may raise anything.
        refuse: makes the answer that states an error.
        crash: the log event of an error that nobody expected.
        sentence: what a caller reads of such an error.
        known: further fields of that event.
    """
    try:
        return answer()
    except ApiError as error:
        response = refuse(error)
        logs.refused(error.kind.code, response.status_code)
        return response
    except Exception:  # noqa: BLE001 - the last resort: JSON, logged, and nothing leaks
        logs.crash(crash, **known)
        return refuse(ApiError(INTERNAL_ERROR, sentence))
