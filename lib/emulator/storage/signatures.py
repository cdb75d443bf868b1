"""V4 signed URLs, really verified: signature, time, method, host, path, query and headers.

Recomputes the canonical request from the raw request as it came over the wire and checks the RSA
signature with the public key of the account that signed. Sources: Cloud Storage documentation, "V4
signing process with your own program", "Canonical requests", "Signed URLs". V2 is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lib.emulator.numbers import whole
from lib.emulator.storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "GOOG4-RSA-SHA256"
LIFE_AT_MOST_S = 7 * 24 * 3600
SKEW_S = 15 * 60
FIELDS = ("x-goog-credential", "x-goog-date", "x-goog-expires", "x-goog-signedheaders")
SIGNATURE = "x-goog-signature"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class RawRequest:
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

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The decoded query parameters in their order; `+` is a plus (RFC 3986)."""
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
            ValueError: the PEM holds no RSA public key.
        """
        match serialization.load_pem_public_key(pem.encode() if isinstance(pem, str) else pem):
            case rsa.RSAPublicKey() as key:
                self._keys[email] = key
            case _:
                raise ValueError(f"the public key of {email} is not an RSA key")

    def verify(self, raw: RawRequest, now: float) -> None:
        """Let a signed request pass, or say why not.

        Args:
            raw: the request.
            now: Unix seconds.

        Raises:
            StorageError: 403 unsigned, V2, forged; 400 expired or malformed.
        """
        query = {name.lower(): value for name, value in raw.parameters}
        if "googleaccessid" in query:
            message = "V2 signatures are not accepted by this emulator; sign with version='v4'."
            raise denied(message)
        if SIGNATURE not in query and "x-goog-algorithm" not in query:
            raise denied("Anonymous caller does not have access to the object; use a signed URL.")
        email, scope = _credential(query)
        _check_time(query, scope, now)
        names = query["x-goog-signedheaders"].split(";")
        _check_headers(raw.headers, names)
        verbs = ["GET", "HEAD"] if raw.method == "HEAD" else [raw.method]
        for verb in verbs:
            canonical = canonical_request(raw, verb, names)
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            to_sign = f"{ALGORITHM}\n{query['x-goog-date']}\n{scope}\n{digest}"
            if self._signed(email, query[SIGNATURE], to_sign):
                return
        raise StorageError(
            403,
            "forbidden",
            "Access denied.",
            "SignatureDoesNotMatch",
            details={
                "Details": "The request signature we calculated does not match the signature you "
                "provided. Check your Google secret key and signing method.",
                "StringToSign": to_sign,
                "CanonicalRequest": canonical,
            },
        )

    def _signed(self, email: str, signature: str, to_sign: str) -> bool:
        key = self._keys.get(email)
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            return False
        if key is None or len(signature) != 2 * len(raw):  # fromhex skips blanks
            return False
        try:
            key.verify(raw, to_sign.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def denied(details: str) -> StorageError:
    """403 `AccessDenied`, as an object that is not public answers."""
    return StorageError(
        403, "forbidden", "Access denied.", "AccessDenied", details={"Details": details}
    )


def malformed(name: str, details: str, code: str = "InvalidArgument") -> StorageError:
    """400 for a signed request that is wrong before its signature is looked at."""
    parts = {"ParameterName": name, "Details": details}
    return StorageError(400, "invalid", f"Invalid argument: {name}.", code, details=parts)


def _credential(query: Mapping[str, str]) -> tuple[str, str]:
    for name in (*FIELDS, SIGNATURE):
        if not query.get(name):
            raise malformed(name, "A V4 signed URL needs it.")
    if query.get("x-goog-algorithm") != ALGORITHM:
        raise malformed("x-goog-algorithm", f"{ALGORITHM} is the one that is implemented.")
    email, _, scope = query["x-goog-credential"].partition("/")
    match scope.split("/"):
        case [day, location, "storage", "goog4_request"] if day and location:
            return email, scope
    raise malformed("x-goog-credential", "EMAIL/DATE/LOCATION/storage/goog4_request is expected.")


def _check_time(query: Mapping[str, str], scope: str, now: float) -> None:
    try:
        signed = datetime.strptime(query["x-goog-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise malformed("x-goog-date", "YYYYMMDDTHHMMSSZ is expected.") from None
    text = query["x-goog-expires"]
    life_s = whole(text) or 0
    if not 0 < life_s <= LIFE_AT_MOST_S:
        raise malformed("x-goog-expires", f"1 to {LIFE_AT_MOST_S} seconds are allowed.")
    if scope.partition("/")[0] != query["x-goog-date"][:8]:
        raise malformed("x-goog-credential", "Its date differs from that of X-Goog-Date.")
    if now > signed.timestamp() + life_s:
        moment = datetime.fromtimestamp(signed.timestamp() + life_s, UTC).isoformat()
        details = {"Details": f"Request signature expired at: {moment}"}
        message = "Invalid argument."
        raise StorageError(400, "invalid", message, "ExpiredToken", details=details)
    if now < signed.timestamp() - SKEW_S:
        message = "The difference between the request time and the server's time is too large."
        raise StorageError(403, "forbidden", message, "RequestTimeTooSkewed")


def _check_headers(headers: Mapping[str, str], names: list[str]) -> None:
    """Every x-goog- header must be signed, every signed header must come ("Canonical requests")."""
    if "host" not in names:
        raise malformed("host", "The host header must be signed.", "MalformedSecurityHeader")
    for name in names:
        if name not in headers:
            details = "Header was included in signedheaders, but not in the request."
            raise malformed(name, details, "MalformedSecurityHeader")
    for name in headers:
        if name.startswith("x-goog-") and name not in names:
            details = "Header was not included in signedheaders."
            raise malformed(name, details, "MalformedSecurityHeader")


def canonical_request(raw: RawRequest, verb: str, names: list[str]) -> str:
    """The text whose hash was signed.

    The path is taken from the raw target, decoded once and encoded again: every spelling of one
    object name has one canonical form, while `//`, `%252F` and dot segments stay what they are. A
    URL signed for GET answers HEAD too (Google.Cloud.Storage.V1 reference of .NET,
    "UrlSigner.RequestTemplate": both requests can be made with it), so a HEAD is tried as both.

    Args:
        raw: the request.
        verb: the verb to put in.
        names: the signed headers.
    """
    lines = "".join(f"{name}:{' '.join(raw.headers[name].split())}\n" for name in names)
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in raw.parameters
        if name.lower() != SIGNATURE
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    payload = raw.headers.get("x-goog-content-sha256", UNSIGNED_PAYLOAD)
    path = quote(unquote(raw.path), safe="/~")
    return "\n".join([verb, path, query, lines, ";".join(names), payload])
