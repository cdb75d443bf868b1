"""Whether links are being signed: what went wrong last, who tries again, and what would mend it.

A signer in trouble costs one caller its time and not each of them, and is one line in the log and
not thousands. Neither signs nor decides what its callers do without a link. Sources: Cloud Storage,
"Signed URLs"; IAM, "Create self-signed credentials"; Service Account Credentials API, `signBlob`.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from lib import logs
from lib.core.errors import SIGNING_UNAVAILABLE, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.adapters.files.v4 import Signer

T = TypeVar("T")

# A refusal says Retry-After, and whoever keeps to it must find a fresh try: no longer than that.
# No shorter either: one try takes up to ten seconds, so that at most three threads stand in one.
AGAIN_S = 5
TOLD_EVERY_S = 60.0
KNOWN_S = 600.0  # a signature is trusted so long to say that the next one will succeed
ROLE = "roles/iam.serviceAccountTokenCreator"


class Signing:
    """The signer of a process, and how it fares. For several threads.

    Args:
        signer: makes the signer, or raises; called until it has made one.
        now: Unix seconds.
    """

    def __init__(self, signer: Callable[[], Signer], now: Callable[[], float]) -> None:
        self._signer, self._now = signer, now
        self._state, self._making = threading.Lock(), threading.Lock()
        self._refusal: ApiError | None = None
        self._failures = 0
        self._tried_at = self._told_at = self._signed_at = float("-inf")

    def use(self, sign: Callable[[Signer], T]) -> T:
        """What is made with the signer; at once a refusal while it is known to fail.

        Args:
            sign: makes it.

        Raises:
            ApiError: `signing_unavailable`.
        """
        failures = self._turn()
        email = ""
        try:
            signer = self._made(failures)
            email = signer.email
            made = sign(signer)
        except ApiError:
            raise
        except Exception as error:
            # google-auth raises a dozen kinds that share no parent with those of a bad key file,
            # of the metadata server's odd answers and of the transport; all mean the same here.
            raise self._failed(error, email) from error
        with self._state:
            self._refusal, self._signed_at = None, self._now()
        return made

    def check(self) -> None:
        """Let pass when links are signed, as far as is known; signs something once if nothing is.

        Raises:
            ApiError: `signing_unavailable`, and what would mend it.
        """
        if self._refusal or not 0 <= self._now() - self._signed_at < KNOWN_S:
            self.use(lambda signer: signer.sign(b"ready"))

    def _turn(self) -> int:
        """Take a turn: while it fails one caller tries, the others are refused for a while."""
        with self._state:
            if self._refusal:
                if 0 <= self._now() - self._tried_at < AGAIN_S:
                    raise replace(self._refusal)
                self._tried_at = self._now()
            return self._failures

    def _made(self, failures: int) -> Signer:
        with self._making:
            # Whoever stood in line for a signer that cannot be made does not try again.
            if self._refusal and self._failures != failures:
                raise replace(self._refusal)
            return self._signer()

    def _failed(self, error: Exception, email: str) -> ApiError:
        name, mended = type(error).__name__, remedy(error)
        refusal = ApiError(
            SIGNING_UNAVAILABLE,
            f"The service cannot sign links at the moment ({name}). Nothing is lost; ask again in "
            f"a moment. For whoever runs it: {mended}.",
            retry_after_s=AGAIN_S,
        )
        with self._state:
            self._refusal, self._tried_at = refusal, self._now()
            self._failures += 1
            tell = not 0 <= self._now() - self._told_at < TOLD_EVERY_S
            if tell:
                self._told_at = self._now()
        if tell:
            reason = f"{name}: {error}"[:300]
            logs.event("link.unsigned", reason=reason, service_account=email or None, remedy=mended)
        return refusal


def remedy(error: Exception) -> str:
    """What whoever runs the service can do about a signer's error, without a name of theirs.

    Args:
        error: as google-auth, the transport or the reading of a key file raised it.
    """
    text, name = str(error), type(error).__name__
    if "SERVICE_DISABLED" in text or "has not been used" in text:
        return "enable the API iamcredentials.googleapis.com in this project"
    if "iam.serviceAccounts.signBlob" in text or "PERMISSION_DENIED" in text:
        return f"give the service account {ROLE} on itself; it takes minutes until that counts"
    if "RESOURCE_EXHAUSTED" in text:
        return "raise the quota of signatures of iamcredentials.googleapis.com"
    if name in {"DefaultCredentialsError", "AttributeError"}:
        return "run it as a service account, or set SIGNING_KEY_FILE"
    if isinstance(error, FileNotFoundError | PermissionError):
        return "SIGNING_KEY_FILE must name a service account's key file that can be read"
    return f"if it stays, look at iamcredentials.googleapis.com, {ROLE} and SIGNING_KEY_FILE"
