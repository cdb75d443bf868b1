"""The last resort of every app: an error becomes an answer, whatever it is.

What nobody expected is logged as a crash and answered as `internal_error`; nothing of its own text
leaves the service. A caller whom nobody knows costs no more than a few lines of log a minute.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lib import logs
from lib.core.errors import INTERNAL_ERROR, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

SPAN_S, TOLD_AT_MOST = 60.0, 10


class RefusalLog:
    """Refusals of callers whom nobody knows: a few lines in each span of time, then their count.

    No timer tells the count, since an instance without a request has no processor: the next
    refusal does, or nobody.

    Args:
        now: seconds of a clock that nobody sets.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._since, self._told = float("-inf"), 0
        self._untold: Counter[str] = Counter()

    def tell(self, code: str, status: int) -> None:
        """One more.

        Args:
            code: of the error table.
            status: HTTP status.
        """
        untold: Counter[str] = Counter()
        with self._lock:
            if self._now() - self._since >= SPAN_S:
                untold, self._untold = self._untold, untold
                self._since, self._told = self._now(), 0
            self._told += 1
            tells = self._told <= TOLD_AT_MOST
            if not tells:
                self._untold[code] += 1
        if untold:
            logs.event("refusals.untold", count=untold.total(), codes=dict(untold))
        if tells:
            logs.refused(code, status)


def answer_or_refuse(
    answer: Callable[[], Response],
    refuse: Callable[[ApiError], Response],
    *,
    refusals: RefusalLog,
    crash: str,
    sentence: str,
    **fields: Any,
) -> Response:
    """The answer to a request, or its refusal; never raises.

    Args:
        answer: makes the answer; may raise anything.
        refuse: makes the answer that states an error.
        refusals: of this app.
        crash: the log event of an error that nobody expected.
        sentence: what a caller reads of such an error.
        fields: further fields of that event.
    """
    try:
        return answer()
    except ApiError as error:
        response = refuse(error)
        known = logs.owned() or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        (logs.refused if known else refusals.tell)(error.kind.code, response.status_code)
        return response
    except Exception:  # noqa: BLE001 - the last resort: JSON, logged, and nothing leaks
        logs.crash(crash, **fields)
        return refuse(ApiError(INTERNAL_ERROR, sentence))
