"""Google's ID tokens: whose they are, judged by the injected clock; and who may tick.

Closed unless configured: without an audience and an invoker nobody passes. google-auth checks the
signature; its own look at expiry is not used: it knows the machine's clock only. Sources: Google,
"Verify the Google ID token on your server side"; RFC 7519; RFC 8725; Cloud Run, "Troubleshoot".
"""

from __future__ import annotations

import base64
import re
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lib.core.errors import (
    FORBIDDEN,
    NOT_CONFIGURED,
    UNAUTHENTICATED,
    UPSTREAM_UNAVAILABLE,
    ApiError,
)
from lib.core.outside.documents import document
from lib.core.outside.numbers import digits, number
from lib.core.outside.records import MOMENT_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
ISSUERS = ("accounts.google.com", "https://accounts.google.com")
SKEW_S = 10
LIFE_AT_MOST_S = 24 * 3600  # Google's live an hour; one that claims more is not theirs
TOKEN_AT_MOST = 8192
COMPACT_PARTS = 3  # header, claims, signature
TIMEOUT_S = (3.05, 5.0)  # connect, read
# Google says in Cache-Control how long its certificates may be kept.
KEEP_S, KEEP_AT_LEAST_S, KEEP_AT_MOST_S = 3600.0, 60.0, 24 * 3600
AGAIN_S = 60.0  # a token of an unknown key may make us ask again, this often and no more
FAILED_S = 5.0
# What Cloud Run puts in the place of a signature that it has checked itself (IAM on the service).
IAM_HINT = (
    " The platform took its signature away: where IAM lets nobody but invokers call this function, "
    "say so with POLL_BEHIND_IAM=on."
)
REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"
MAX_AGE = re.compile(r"max-age=([0-9]+)")


class NotGenuine(Exception):
    """The token is not one of Google's for us, or no longer."""


@dataclass(frozen=True)
class Identity:
    """Whom a genuine token names.

    Attributes:
        subject: Google's own id of the account, never given to anybody else.
        email: lower case; None unless Google has verified it.
    """

    subject: str
    email: str | None


class Google:
    """Verifies ID tokens over Google's published certificates.

    Args:
        connect: makes the session that fetches them.
        now: Unix seconds; tokens age by it.
        certs_url: where they are; an emulator has its own.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], requests.Session],
        now: Callable[[], float],
        certs_url: str = CERTS_URL,
    ) -> None:
        self._connect, self._now, self._url = connect, now, certs_url
        self._lock = threading.Lock()
        self._certs: Mapping[str, str] = {}
        self._keep_until = self._ask_after = float("-inf")

    def verify(
        self, token: str, audiences: tuple[str, ...], *, behind_iam: bool = False
    ) -> Identity:
        """Whom a token names.

        Args:
            token: a JWT in compact form.
            audiences: for whom it may have been issued.
            behind_iam: whether nobody reaches us but through the platform's own check, which leaves
                a token without its signature; without that such a token is anybody's.

        Raises:
            NotGenuine: it is not Google's, not for us, or its time is over.
            ApiError: Google's certificates cannot be had now (503).
        """
        header, claims, signed, signature = _parts(token)
        # What costs nothing comes first: anybody's text must not make us call Google.
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or "crit" in header or not isinstance(key_id, str):
            raise NotGenuine("algorithm or key id")
        if claims.get("iss") not in ISSUERS or claims.get("aud") not in audiences:
            raise NotGenuine("issuer or audience")
        self._in_time(claims)
        if behind_iam and token.endswith(REMOVED):
            return _identity(claims)
        certificate = self._certificate(key_id)
        if certificate is None or not _signed(signed, signature, certificate):
            raise NotGenuine("signature")
        return _identity(claims)

    def _in_time(self, claims: Mapping[str, Any]) -> None:
        issued, ends = _moment(claims.get("iat")), _moment(claims.get("exp"))
        if issued is None or ends is None:
            raise NotGenuine("no times")
        now = self._now()
        if not issued - SKEW_S <= now < ends + SKEW_S or ends - issued > LIFE_AT_MOST_S:
            raise NotGenuine("not its time")

    def _certificate(self, key_id: str) -> str | None:
        with self._lock:
            now = self._now()
            wanted = now >= self._keep_until or key_id not in self._certs
            if wanted and now >= self._ask_after:
                self._refresh(now)
            if now >= self._keep_until:
                raise ApiError(
                    UPSTREAM_UNAVAILABLE,
                    "Google's certificates cannot be fetched now, so no ID token can be judged.",
                    retry_after_s=int(FAILED_S),
                )
            return self._certs.get(key_id)

    def _refresh(self, now: float) -> None:
        found = self._fetch()
        if found is None:
            self._ask_after = now + FAILED_S
            return
        self._certs, keep_s = found
        self._keep_until, self._ask_after = now + keep_s, now + AGAIN_S

    def _fetch(self) -> tuple[Mapping[str, str], float] | None:
        from requests import RequestException  # only a token needs it

        try:
            with self._connect() as session:
                answer = session.get(self._url, timeout=TIMEOUT_S, allow_redirects=False)
                certs = document(answer.content)
        except (RequestException, ValueError):
            return None
        if answer.status_code != HTTPStatus.OK or not isinstance(certs, dict):
            return None
        said = MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        keep_s = digits(said[1], KEEP_AT_MOST_S, cut=True) if said else None
        return certs, max(KEEP_S if keep_s is None else keep_s, KEEP_AT_LEAST_S)


def invoker_check(
    *,
    audience: str | None,
    invoker: str | None,
    open_to_all: bool,
    connect: Callable[[], requests.Session],
    now: Callable[[], float],
    certs_url: str | None = None,
    behind_iam: bool = False,
) -> Callable[[str | None], None]:
    """A check of an `Authorization` header: the scheduler and nobody else.

    Args:
        audience: whom the token must be for: one, or several between spaces or commas.
        invoker: the e-mail it must hold.
        open_to_all: let everybody pass; the configuration allows it on emulators only.
        connect: makes the session that fetches Google's certificates.
        now: Unix seconds; tokens age by it.
        certs_url: where an emulator has its certificates; None takes Google's.
        behind_iam: whether the platform lets nobody through but invokers (Cloud Run's IAM check).

    Returns:
        A function that raises ApiError for whoever may not pass.
    """
    google = Google(connect=connect, now=now, certs_url=certs_url or CERTS_URL)
    audiences = tuple((audience or "").replace(",", " ").split())

    def admit(header: str | None) -> None:
        if open_to_all:
            return
        if not audiences or not invoker:
            raise ApiError(
                NOT_CONFIGURED,
                "Nobody may tick: set POLL_AUDIENCE and POLL_INVOKER to the scheduler's identity.",
            )
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _not_known("A tick needs the scheduler's OIDC token.")
        try:
            caller = google.verify(token.strip(), audiences, behind_iam=behind_iam)
        except NotGenuine:
            hint = IAM_HINT if token.strip().endswith(REMOVED) and not behind_iam else ""
            raise _not_known(f"The token is not a valid one of the scheduler.{hint}") from None
        if caller.email != invoker.lower():
            raise ApiError(FORBIDDEN, "This identity may not tick.")

    return admit


def _not_known(message: str) -> ApiError:
    return ApiError(
        UNAUTHENTICATED, message, headers={"WWW-Authenticate": 'Bearer realm="inbetween-poll"'}
    )


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, the signed bytes and the signature of a compact JWT (RFC 7515, 3.1)."""
    texts = token.split(".")
    if len(token) > TOKEN_AT_MOST or len(texts) != COMPACT_PARTS:
        raise NotGenuine("not a JWT")
    try:
        header, claims = (document(_decode(text)) for text in texts[:2])
        signature = _decode(texts[2])
    except ValueError:
        raise NotGenuine("not a JWT") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotGenuine("not a JWT")
    return header, claims, ".".join(texts[:2]).encode(), signature


def _decode(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signed(signed: bytes, signature: bytes, certificate: str) -> bool:
    from google.auth import crypt  # only a token needs it

    try:
        return bool(crypt.verify_signature(signed, signature, certificate))
    except ValueError:
        return False  # what Google's address served is no certificate


def _moment(value: object) -> float | None:
    return None if isinstance(value, str) else number(value, 0.0, MOMENT_AT_MOST)  # NumericDate


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not subject:
        raise NotGenuine("no subject")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return Identity(subject, None)
    return Identity(subject, email.lower())
