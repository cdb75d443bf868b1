"""A service account's surroundings in the cloud: metadata server and IAM's signBlob, offline.

With GCE_METADATA_HOST (and GCE_METADATA_IP) pointing here, `google.auth.default()` finds compute
credentials, and `google.auth.iam.Signer` signs through the emulated IAM, so the cloud code path
itself runs. Sources: Compute Engine documentation, "About VM metadata"; IAM Service Account
Credentials API reference, `projects.serviceAccounts.signBlob`. It knows one account and refuses all
others.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from werkzeug.wrappers import Request, Response

from lib.emulator.numbers import document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from lib.emulator.clock import Clock

TOKEN_LIFE_S = 3600
METADATA = "/computeMetadata/v1"
IAM = r"/v1/projects/-/serviceAccounts/([^/:]+)"
FLAVOR = {"Metadata-Flavor": "Google"}


class IdentityApp:
    """A metadata server and an IAM Credentials API that know one account.

    Args:
        clock: tokens age by it.
        email: the account.
        private_key: its RSA key in PEM.
        project: the project that the metadata server names.

    Raises:
        ValueError: the PEM holds no RSA key.
    """

    def __init__(
        self, clock: Clock, email: str, private_key: str | bytes, project: str = "local"
    ) -> None:
        pem = private_key.encode() if isinstance(private_key, str) else private_key
        match serialization.load_pem_private_key(pem, None):
            case rsa.RSAPrivateKey() as key:
                self._key = key
            case _:
                raise ValueError("private_key must be an RSA key in PEM")
        self._clock, self._email, self._project = clock, email, project
        self._tokens: dict[str, float] = {}
        accounts = f"{METADATA}/instance/service-accounts/(?:default|{re.escape(email)})"
        table: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", "/?", lambda _request: _text("computeMetadata/")),
            ("GET", f"{METADATA}/project/project-id", lambda _request: _text(project)),
            ("GET", f"{METADATA}/universe/universe[-_]domain", lambda _: _text("googleapis.com")),
            ("GET", accounts + "/", self._account),
            ("GET", accounts + "/email", lambda _request: _text(email)),
            ("GET", accounts + "/token", self._token),
            ("GET", accounts + "/identity", self._identity),
            ("POST", IAM + ":signBlob", self._sign_blob),
            ("GET", IAM + "/allowedLocations", self._locations),
        )
        self._routes = [(method, re.compile(path), answer) for method, path, answer in table]

    @property
    def public_pem(self) -> str:
        """The public half of the key, for `StorageApp.add_signer`."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(METADATA) and request.headers.get("Metadata-Flavor") != "Google":
            return Response("Missing Metadata-Flavor:Google header.", 403, FLAVOR)
        for method, path, answer in self._routes:
            match = path.fullmatch(request.path)
            if match and method == request.method:
                return answer(request, *(unquote(part) for part in match.groups()))
        return _error(404, "NOT_FOUND", f"{request.method} {request.path} is not implemented.")

    # Metadata server

    def _account(self, _request: Request) -> Response:
        return _json(
            {"aliases": ["default"], "email": self._email, "scopes": ["cloud-platform"]}, FLAVOR
        )

    def _token(self, _request: Request) -> Response:
        token = f"emulated.{secrets.token_urlsafe(24)}"
        self._tokens[token] = self._clock.now() + TOKEN_LIFE_S
        body = {"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"}
        return _json(body, FLAVOR)

    def _identity(self, request: Request) -> Response:
        audience = parse_qs(request.query_string.decode("utf-8", "replace")).get("audience", [""])[
            0
        ]
        now = int(self._clock.now())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": audience,
            "email": self._email,
            "email_verified": True,
            "sub": self._email,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
        }
        head = _part({"alg": "RS256", "typ": "JWT", "kid": "emulated"})
        signed = f"{head}.{_part(claims)}"
        signature = base64.urlsafe_b64encode(self._sign(signed.encode())).rstrip(b"=").decode()
        return _text(f"{signed}.{signature}")

    # IAM Service Account Credentials API

    def _sign_blob(self, request: Request, account: str) -> Response:
        if (refusal := self._refusal(request, account)) is not None:
            return refusal
        try:
            payload = base64.b64decode(document(request.get_data())["payload"], validate=True)
        except (ValueError, KeyError, TypeError):
            return _error(400, "INVALID_ARGUMENT", "payload must be base64.")
        signed = base64.b64encode(self._sign(payload)).decode()
        return _json({"keyId": "emulated", "signedBlob": signed})

    def _locations(self, request: Request, account: str) -> Response:
        if (refusal := self._refusal(request, account)) is not None:
            return refusal
        return _json({"locations": [], "encodedLocations": "0x0"})

    def _refusal(self, request: Request, account: str) -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0.0) < self._clock.now():
            return _error(401, "UNAUTHENTICATED", "The access token is not valid (any more).")
        if account != self._email:
            return _error(
                403, "PERMISSION_DENIED", f"No iam.serviceAccounts.signBlob on {account}."
            )
        return None

    def _sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def _part(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def _text(text: str) -> Response:
    return Response(text, headers=FLAVOR, content_type="application/text")


def _json(data: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(data), headers=headers, content_type="application/json")


def _error(status: int, name: str, message: str) -> Response:
    body = {"error": {"code": status, "message": message, "status": name}}
    return Response(json.dumps(body), status, content_type="application/json")
