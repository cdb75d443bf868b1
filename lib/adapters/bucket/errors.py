"""What the storage client raises, in our words: a conflict, a missing object, or no answer.

The client reports the same HTTP status by different exceptions, depending on which of its paths met
it; this is the one place that knows them all. It retries nothing.
"""

from __future__ import annotations

from http.client import HTTPException
from typing import TYPE_CHECKING, Any, TypeVar

from lib.core.errors import STORAGE_UNAVAILABLE, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NOT_FOUND, GONE, CONFLICT = 404, 410, 412
# What the client meets in an answer of another shape than it expects: it checks next to nothing.
ODD = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class Conflict(Exception):
    """The precondition did not hold (412): somebody's write, maybe our own, came first."""


class Missing(Exception):
    """There is no such object (404)."""


def map_errors(call: Callable[[], T]) -> T:
    """Run one client call.

    Raises:
        Conflict: the precondition did not hold.
        Missing: there is no such object.
        ApiError: the bucket does not answer, or not now.
    """
    from google.api_core import exceptions  # a cold start needs none of these
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import (
        DataCorruption,
        InvalidResponse,
    )
    from urllib3.exceptions import HTTPError

    try:
        return call()
    except InvalidResponse as error:
        raise _by_status(error.response.status_code) from error
    except exceptions.GoogleAPICallError as error:
        raise _by_status(error.code) from error
    except (GoogleAuthError, DataCorruption, HTTPError, HTTPException, *ODD) as error:
        # No token, no connection (requests' errors are OSErrors), or an answer of another shape.
        raise unavailable(f"{type(error).__name__} on the way") from error


def _by_status(status: Any) -> Exception:
    # The client's own sentence is never asked for: it is made of the answer's body, and may raise.
    if status == CONFLICT:
        return Conflict(f"it answered {status}")
    if status in {NOT_FOUND, GONE}:
        return Missing(f"it answered {status}")
    return unavailable(f"it answered {status}")


def unavailable(what: str) -> ApiError:
    """The bucket did not answer, or nothing that could be understood.

    Args:
        what: happened; nothing private.
    """
    return ApiError(
        STORAGE_UNAVAILABLE,
        f"The bucket could not be reached: {what}. Nothing is lost; try again in a moment.",
        retry_after_s=5,
    )
