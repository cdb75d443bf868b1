"""Who signs links: IAM's signBlob in the cloud, a key file locally.

The IAM signer is google-auth's, kept for the life of the process: one connection for all
signatures, and no key material anywhere near us. Neither is built before the first link is asked
for.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests
    from google.auth.crypt import RSASigner

IAM_TIMEOUT_S = 10.0  # google-auth's own is two minutes, and a caller waits
SIGNATURE_BYTES = 128  # of the smallest RSA key that OpenSSL takes, 1024 bits


@dataclass(frozen=True)
class KeySigner:
    """A service account and something of google-auth that signs in its name.

    Attributes:
        email: the account.
        signer: google.auth.iam.Signer or google.auth.crypt.RSASigner.
    """

    email: str
    signer: Any

    def sign(self, message: bytes) -> bytes:
        """An RSA-SHA256 signature of the message.

        Raises:
            ValueError: what was answered is no signature; a link with it would lead nowhere.
            Exception: IAM refused, did not answer, or answered something else; google-auth has many
                kinds, which whoever hands out links makes one.
        """
        signature = bytes(self.signer.sign(message))
        if len(signature) < SIGNATURE_BYTES:
            raise ValueError(f"got a signature of {len(signature)} bytes")
        return signature


def key_file_signer(path: str) -> KeySigner:
    """A signer from a service-account key file (JSON with `client_email` and `private_key`).

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not such a file.
    """
    data = json.loads(Path(path).read_text("utf-8"))
    if "client_email" not in data or "private_key" not in data:
        raise ValueError("SIGNING_KEY_FILE must name a service-account key file (JSON).")
    return KeySigner(data["client_email"], _rsa(data["private_key"]))


@functools.lru_cache(maxsize=4)
def _rsa(private_key: str) -> RSASigner:
    """OpenSSL takes 50 ms to check a key: once for each is enough."""
    from google.auth.crypt import RSASigner  # only the first link needs it

    signer: RSASigner = RSASigner.from_string(private_key)
    return signer


def iam_signer(session: requests.Session) -> KeySigner:
    """A signer for the identity that the process runs as, over IAM's signBlob.

    Needs `roles/iam.serviceAccountTokenCreator` of the account on itself (IAM documentation,
    "Create self-signed credentials").

    Args:
        session: kept for all signatures of the process.

    Raises:
        google.auth.exceptions.GoogleAuthError: no credentials, or no metadata server.
        AttributeError: the credentials are a person's, who has no service account.
        ValueError: they name no service account.
    """
    import google.auth  # only the first link needs it
    from google.auth import iam
    from google.auth.transport.requests import Request

    request = functools.partial(Request(session), timeout=IAM_TIMEOUT_S)
    found = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    credentials: Any = found[0]
    # A metadata-server credential calls itself "default" until it has been refreshed once.
    credentials.refresh(request)
    email = str(credentials.service_account_email)
    if "@" not in email:
        raise ValueError("the metadata server names no service account")
    return KeySigner(email, iam.Signer(request, credentials, email))
