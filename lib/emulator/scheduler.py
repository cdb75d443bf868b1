"""Calls `poll` as Cloud Scheduler does: a POST with an OIDC token, at least once, one at a time.

The token is signed with a throw-away key whose public half is served in the two forms in which
Google serves its own. Sources: Cloud Scheduler documentation, "Use authentication with HTTP
targets" and the reference of `HttpTarget`; OpenID Connect Core, section 2.
"""

from __future__ import annotations

import base64
import functools
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from lib.emulator.clock import Clock

KEY_ID = "emulated-scheduler"
ISSUER = "https://accounts.google.com"
TOKEN_S = 3600
DEADLINE_S = 180.0  # the service's own default
UNANSWERED = 0


@dataclass(eq=False)
class Scheduler:
    """One scheduled HTTP job.

    Args:
        clock: stamps tokens and schedule times, and says when the next run is due.
        url: the target.
        audience: of its tokens; the target itself by default.
        email: the service account that it calls as.
        every_s: seconds of the clock from one run to the next.
        key: its RSA key in PEM; a throw-away one by default.
        session: the transport of its calls.
        deadline_s: how long an attempt may take.
        duplicate_every: every how many runs one is delivered twice; 0 never.

    Attributes:
        runs: how many runs there were.
        last_status: HTTP status of the last call; 0 without an answer.
    """

    clock: Clock
    url: str = field(kw_only=True)
    audience: str | None = field(default=None, kw_only=True)
    email: str = field(default="scheduler@inbetween.iam.gserviceaccount.com", kw_only=True)
    every_s: float = field(default=60.0, kw_only=True)
    key: str | bytes | None = field(default=None, kw_only=True, repr=False)
    session: requests.Session | None = field(default=None, kw_only=True)
    deadline_s: float = field(default=DEADLINE_S, kw_only=True)
    duplicate_every: int = field(default=0, kw_only=True)
    runs: int = field(default=0, init=False)
    last_status: int = field(default=UNANSWERED, init=False)

    def __post_init__(self) -> None:
        self._next_at = self.clock.now() + self.every_s
        self._running = threading.Lock()
        self._wake, self._stopped = threading.Event(), False
        self.clock.on_advance(self._wake.set)

    def tick(self) -> int | None:
        """Run once: one call, two where a duplicate is due.

        Returns:
            The last call's HTTP status, 0 without an answer; None when the previous run has not
            ended, for then there is none.
        """
        if not self._running.acquire(blocking=False):
            return None
        try:
            self.runs += 1
            twice = self.duplicate_every and self.runs % self.duplicate_every == 0
            moment = datetime.fromtimestamp(self.clock.now(), UTC).isoformat(timespec="seconds")
            for _ in range(2 if twice else 1):
                self.last_status = self._call(moment.replace("+00:00", "Z"))
            return self.last_status
        finally:
            self._running.release()

    def _call(self, moment: str) -> int:
        import requests  # the emulator starts without it

        if self.session is None:
            self.session = requests.Session()
            self.session.trust_env = False
        headers = {
            "Authorization": f"Bearer {self.token()}",
            "Content-Type": "application/octet-stream",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": "inbetween-poll",
            "X-CloudScheduler-ScheduleTime": moment,
        }
        try:
            answer = self.session.post(
                self.url, headers=headers, timeout=self.deadline_s, allow_redirects=False
            )
        except requests.RequestException:
            return UNANSWERED  # the next run is the retry
        return answer.status_code

    def token(self) -> str:
        """An OIDC token as Google's: RS256, with audience, e-mail and expiry."""
        from cryptography.hazmat.primitives import hashes  # only a call needs it
        from cryptography.hazmat.primitives.asymmetric import padding

        now = int(self.clock.now())
        header = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
        claims = {
            "aud": self.audience or self.url,
            "azp": "1",
            "email": self.email,
            "email_verified": True,
            "exp": now + TOKEN_S,
            "iat": now,
            "iss": ISSUER,
            "sub": "1",
        }
        text = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encode(signature)}"

    @functools.cached_property
    def _key(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives import serialization  # as in token
        from cryptography.hazmat.primitives.asymmetric import rsa  # as in token

        if self.key is None:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.key.encode() if isinstance(self.key, str) else self.key
        key = serialization.load_pem_private_key(pem, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("key must be an RSA private key in PEM")
        return key

    def certificates(self) -> dict[str, str]:
        """Key id to X.509 certificate (PEM), as google-auth reads Google's."""
        from cryptography import x509  # as in token
        from cryptography.hazmat.primitives import hashes, serialization

        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.email)])
        start = datetime.fromtimestamp(self.clock.now(), UTC) - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .sign(self._key, hashes.SHA256())
        )
        return {KEY_ID: certificate.public_bytes(serialization.Encoding.PEM).decode()}

    def jwks(self) -> dict[str, Any]:
        """The same key as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = (
            _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
            for number in (numbers.n, numbers.e)
        )
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": modulus}
        return {"keys": [{**key, "e": exponent}]}

    def keys_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """A WSGI application that serves the key: a path with `jwks` or `v3` as JWKS, else PEM.

        Mounted at `https://www.googleapis.com` it lets google-auth itself verify the tokens.
        """
        path = environ.get("PATH_INFO", "")
        as_set = "jwks" in path or "v3" in path
        body = json.dumps(self.jwks() if as_set else self.certificates()).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    def start(self) -> None:
        """Run in the background until `stop`."""
        threading.Thread(target=self._run, daemon=True, name="scheduler").start()

    def stop(self) -> None:
        """No further run; one that is under way may end by itself."""
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            wait_s = self._next_at - self.clock.now()
            if wait_s > 0:
                self._wake.wait(wait_s)
                self._wake.clear()
                continue
            self.tick()
            missed = (self.clock.now() - self._next_at) // self.every_s
            self._next_at += (max(missed, 0) + 1) * self.every_s


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
