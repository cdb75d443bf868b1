"""V4 signed URLs, really verified: signature, time, method, host, path, query and headers.

Recomputes the canonical request from the raw request as it came over the wire and checks the RSA
signature with the public key of the account that signed. Sources: Cloud Storage documentation, "V4
signing process with your own program", "Canonical requests", "Signed URLs".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lib.emulator.storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "GOOG4-RSA-SHA256"
LIFE_AT_MOST_S = 7 * 24 * 3600
SKEW_S = 15 * 60
FIELDS = ("Credential", "Date", "Expires", "SignedHeaders", "Signature")


@dataclass(frozen=True)
class Wire:
    """A request as it came over the wire.

    Attributes:
        method: in capitals.
        path: raw, still percent-encoded.
        query: raw, still percent-encoded.
        headers: lower-case names to values.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def parameters(self) -> list[tuple[str, str]]:
        """The decoded query parameters in their order."""
        pairs = (pair.partition("=") for pair in self.query.split("&") if pair)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


class Verifier:
    """Knows whose signatures count.

    Args:
        signers: account e-mail to its public key in PEM.
    """

    def __init__(self, signers: Mapping[str, str | bytes]) -> None:
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        for email, pem in signers.items():
            self.add(email, pem)

    def add(self, email: str, pem: str | bytes) -> None:
        """Let an account's signatures count.

        Raises:
            ValueError: it is no PEM.
            TypeError: it holds no RSA public key.
        """
        key = serialization.load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError(f"the public key of {email} is not an RSA key")
        self._keys[email] = key

    def verify(self, wire: Wire, now: float) -> None:
        """Let a signed request pass, or say why not.

        Raises:
            StorageError: 403 unsigned, V2, forged; 400 expired or malformed.
        """
        query = dict(wire.parameters())
        if "GoogleAccessId" in query:
            message = "V2 signatures are not accepted here; sign with version='v4'."
            raise StorageError(403, "forbidden", message, "AccessDenied")
        if "X-Goog-Signature" not in query and "X-Goog-Algorithm" not in query:
            message = "Anonymous caller does not have access to the object; use a signed URL."
            raise StorageError(403, "forbidden", message, "AccessDenied")
        email, scope = self._fields(query)
        self._time(query, scope, now)
        canonical = canonical_request(wire, query["X-Goog-SignedHeaders"])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{query['X-Goog-Date']}\n{scope}\n{digest}"
        self._signature(email, query["X-Goog-Signature"], canonical, to_sign)

    def _fields(self, query: Mapping[str, str]) -> tuple[str, str]:
        missing = [f"X-Goog-{name}" for name in FIELDS if not query.get(f"X-Goog-{name}")]
        if missing or query.get("X-Goog-Algorithm") != ALGORITHM:
            wrong = missing[0] if missing else "X-Goog-Algorithm"
            raise StorageError(400, "invalid", f"Invalid or missing {wrong}.", "InvalidArgument")
        email, _, scope = query["X-Goog-Credential"].partition("/")
        parts = scope.split("/")
        if len(parts) != 4 or parts[2:] != ["storage", "goog4_request"]:  # noqa: PLR2004
            message = "Malformed X-Goog-Credential."
            raise StorageError(400, "invalid", message, "AuthorizationQueryParametersError")
        return email, scope

    def _time(self, query: Mapping[str, str], scope: str, now: float) -> None:
        try:
            signed = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            life_s = int(query["X-Goog-Expires"])
        except ValueError:
            message = "Malformed X-Goog-Date or X-Goog-Expires."
            raise StorageError(400, "invalid", message, "InvalidArgument") from None
        if not 0 < life_s <= LIFE_AT_MOST_S:
            message = f"X-Goog-Expires must be 1 to {LIFE_AT_MOST_S} seconds."
            raise StorageError(400, "invalid", message, "InvalidArgument")
        if scope[:8] != query["X-Goog-Date"][:8]:
            message = "The date of the credential scope and X-Goog-Date differ."
            raise StorageError(400, "invalid", message, "AuthorizationQueryParametersError")
        if now > signed.timestamp() + life_s:
            raise StorageError(
                400,
                "invalid",
                "The provided token has expired.",
                "ExpiredToken",
                details={"Details": "Request signature expired."},
            )
        if now < signed.timestamp() - SKEW_S:
            message = "The request was signed for a time that has not come yet."
            raise StorageError(403, "forbidden", message, "RequestTimeTooSkewed")

    def _signature(self, email: str, text: str, canonical: str, to_sign: str) -> None:
        try:
            self._keys[email].verify(
                bytes.fromhex(text), to_sign.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (KeyError, ValueError, InvalidSignature):
            raise StorageError(
                403,
                "forbidden",
                "The request signature we calculated does not match the signature you provided. "
                "Check your Google secret key and signing method.",
                "SignatureDoesNotMatch",
                details={"StringToSign": to_sign, "CanonicalRequest": canonical},
            ) from None


def canonical_request(wire: Wire, signed_headers: str) -> str:
    """The text whose hash was signed.

    A URL signed for GET serves HEAD too: the two are one permission (storage.objects.get) and the
    service treats the signed verb so.

    Raises:
        StorageError: 400 when `host` is not signed, 403 when a signed header did not come.
    """
    names = signed_headers.split(";")
    if "host" not in names:
        raise StorageError(400, "invalid", "The host header must be signed.", "InvalidArgument")
    unsigned = [name for name in wire.headers if name.startswith("x-goog-") and name not in names]
    if unsigned:
        message = f"The header {unsigned[0]} was sent but is not part of the signature."
        raise StorageError(403, "forbidden", message, "SignatureDoesNotMatch")
    lines = "".join(f"{name}:{' '.join(wire.headers.get(name, '').split())}\n" for name in names)
    pairs = sorted(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in wire.parameters()
        if name != "X-Goog-Signature"
    )
    payload = wire.headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
    method = "GET" if wire.method == "HEAD" else wire.method
    path = quote(unquote(wire.path), safe="/~")
    return "\n".join([method, path, "&".join(pairs), lines, signed_headers, payload])
