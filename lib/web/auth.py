"""Who is asking: a bearer key to its owner, closed unless configured open.

Keys are known only as salted SHA-256 hashes (`salt:hex`); every comparison takes the same time,
whichever key comes. Nothing is answered to a stranger but how to send a key.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from lib.core.errors import UNAUTHENTICATED, ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_OWNER = "local"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="inbetween"'}


class Auth:
    """Maps an Authorization header to an owner.

    Args:
        owner_keys: owner to the hashes of their keys.
        off: let everybody in as one local owner; the configuration allows it on emulators only.
    """

    def __init__(self, owner_keys: Mapping[str, tuple[str, ...]], *, off: bool) -> None:
        self._hashes = [
            (owner, *text.split(":", 1)) for owner, texts in owner_keys.items() for text in texts
        ]
        self._off = off

    def owner(self, header: str | None) -> str:
        """The owner of the key in an `Authorization` header.

        Raises:
            ApiError: 401 without a key or with one that is not known.
        """
        if self._off:
            return LOCAL_OWNER
        scheme, _, key = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiError(
                UNAUTHENTICATED,
                "No key was given; send the header Authorization: Bearer <your key>.",
                headers=CHALLENGE,
            )
        found = None
        for owner, salt, wanted in self._hashes:
            if hmac.compare_digest(digest(salt, key.strip()), wanted):
                found = owner
        if found is None:
            raise ApiError(
                UNAUTHENTICATED,
                "This key is not known here; ask the owner of the service for a new one.",
                headers=CHALLENGE,
            )
        return found


def digest(salt: str, key: str) -> str:
    """The hex hash under which a key is kept."""
    return hashlib.sha256(f"{salt}{key}".encode()).hexdigest()
