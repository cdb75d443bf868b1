"""Calls `poll` as Cloud Scheduler does: a POST with an OIDC token, at least once, one at a time.

The token is signed with a throw-away key whose certificates are served under `/emulator/certs`, in
the form in which google-auth reads Google's. Source: Cloud Scheduler documentation, "Use
authentication with HTTP targets"; OpenID Connect Core, section 2.
"""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import requests

    from lib.emulator.clock import Clock

KEY_ID = "emulated-scheduler"
ISSUER = "https://accounts.google.com"
TOKEN_S = 3600
DEADLINE_S = 180.0


class Scheduler:
    """One scheduled HTTP job.

    Args:
        clock: stamps tokens and schedule times.
        session: the transport of its calls.
        url: the target.
        every_s: pause between the end of one run and the start of the next.
        audience: of its tokens; the target itself by default.
        email: the service account that it plays.
        duplicate_every: every how many runs one is delivered twice (at-least-once); 0 never.
    """

    def __init__(
        self,
        clock: Clock,
        session: requests.Session,
        *,
        url: str,
        every_s: float = 60.0,
        audience: str | None = None,
        email: str = "scheduler@inbetween.iam.gserviceaccount.com",
        duplicate_every: int = 0,
    ) -> None:
        self._clock, self._session, self._url = clock, session, url
        self._every_s, self._audience, self.email = every_s, audience or url, email
        self._duplicate_every = duplicate_every
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.runs = 0
        self.last_status = 0

    def tick(self) -> int:
        """Call the target once, twice where duplicates are asked for; returns the last status."""
        self.runs += 1
        twice = self._duplicate_every and self.runs % self._duplicate_every == 0
        for _ in range(2 if twice else 1):
            self.last_status = self._call()
        return self.last_status

    def _call(self) -> int:
        import requests  # noqa: PLC0415 - the emulator starts without it

        moment = datetime.fromtimestamp(self._clock.now(), UTC).isoformat()
        headers = {
            "Authorization": f"Bearer {self.token()}",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": "inbetween-poll",
            "X-CloudScheduler-ScheduleTime": moment,
        }
        try:
            return self._session.post(self._url, headers=headers, timeout=DEADLINE_S).status_code
        except requests.RequestException:
            return 0  # the next run is the retry

    def token(self) -> str:
        """An OIDC token as Google's: RS256, with audience, e-mail and expiry."""
        now = int(self._clock.now())
        header = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
        claims = {
            "aud": self._audience,
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

    def certificates(self) -> dict[str, str]:
        """Key id to certificate (PEM), as google-auth reads them."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.email)])
        start = datetime.fromtimestamp(self._clock.now(), UTC) - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .sign(self._key, hashes.SHA256())
        )
        return {KEY_ID: certificate.public_bytes(serialization.Encoding.PEM).decode()}

    def start(self) -> None:
        """Run in the background until `stop`."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="scheduler")
        self._thread.start()

    def stop(self) -> None:
        """No further run."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.tick()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
