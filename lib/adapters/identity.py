"""Whether a bearer token is the scheduler's: Google's OIDC token, verified by google-auth.

Closed unless configured: without an audience and an invoker nobody passes. Certificates are fetched
over one cached session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.core.errors import FORBIDDEN, NOT_CONFIGURED, UNAUTHENTICATED, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

SKEW_S = 10


def door(
    *,
    audience: str | None,
    invoker: str | None,
    open_to_all: bool,
    connect: Callable[[], requests.Session],
) -> Callable[[str | None], None]:
    """A check of an `Authorization` header.

    Args:
        audience: whom the token must be for.
        invoker: the e-mail it must bear.
        open_to_all: let everybody pass; the configuration allows it on emulators only.
        connect: makes the session that fetches Google's certificates.

    Returns:
        A function that raises ApiError for whoever may not pass.
    """

    def admit(header: str | None) -> None:
        if open_to_all:
            return
        if not audience or not invoker:
            raise ApiError(
                NOT_CONFIGURED,
                "Nobody may tick: set POLL_AUDIENCE and POLL_INVOKER to the scheduler's identity.",
            )
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(UNAUTHENTICATED, "A tick needs the scheduler's OIDC token.")
        claims = _verified(token, audience, connect)
        if claims.get("email") != invoker or claims.get("email_verified") is not True:
            raise ApiError(FORBIDDEN, "This identity may not tick.")

    return admit


def _verified(token: str, audience: str, connect: Callable[[], requests.Session]) -> dict[str, Any]:
    from google.auth import exceptions  # noqa: PLC0415 - only a guarded tick needs it
    from google.auth.transport.requests import Request  # noqa: PLC0415 - as above
    from google.oauth2 import id_token  # noqa: PLC0415 - as above

    try:
        claims: dict[str, Any] = id_token.verify_oauth2_token(
            token, Request(connect()), audience, clock_skew_in_seconds=SKEW_S
        )
    except (ValueError, exceptions.GoogleAuthError):
        raise ApiError(UNAUTHENTICATED, "The token is not a valid one of the scheduler.") from None
    return claims
