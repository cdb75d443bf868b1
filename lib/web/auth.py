"""Authentication: a bearer key or a Google ID token to its owner, closed unless configured open.

Keys are known only as salted SHA-256 hashes (`salt:hex`); every key that comes is compared with all
of them, so that a known and an unknown one cost the same. A plain hash is enough because the keys
are 256 random bits (`new_key`): there is no dictionary to slow down. A caller
without one learns nothing but how to send it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.identity import NotGenuine
from lib.core.errors import FORBIDDEN, UNAUTHENTICATED, ApiError
from lib.web.local_only import LocalOnly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Request

    from lib.adapters.identity import Google

LOCAL_OWNER = "local"
REALM = 'Bearer realm="inbetween"'
CHALLENGE = {"WWW-Authenticate": REALM}
WRONG = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}  # RFC 6750, section 3.1
PREFIX = "ib"  # lets scanners of repositories and our own log tell a key from other texts
SALT_BYTES, SECRET_BYTES = 8, 32
JWT_DOTS = 2  # RFC 7519: header, claims, signature


@dataclass(frozen=True)
class Tokens:
    """How Google ID tokens become owners.

    Attributes:
        google: verifies them.
        audiences: for whom they must have been issued.
        owners: verified e-mail (lower case) or `sub` to owner; `sub` is never given to
            another account, an e-mail may be.
    """

    google: Google
    audiences: tuple[str, ...]
    owners: Mapping[str, str]


class Auth:
    """Maps an Authorization header to an owner.

    Args:
        owner_keys: owner to the hashes of their keys.
        off: let everybody in as one local owner; the configuration allows it on emulators only.
        tokens: how ID tokens are judged; None accepts none.
        local: who may call while it is off; None is this machine.
    """

    def __init__(
        self,
        owner_keys: Mapping[str, tuple[str, ...]],
        *,
        off: bool,
        tokens: Tokens | None = None,
        local: LocalOnly | None = None,
    ) -> None:
        self._hashes = [
            (owner, *text.split(":", 1)) for owner, texts in owner_keys.items() for text in texts
        ]
        self._off, self._tokens = off, tokens
        self._local = local or LocalOnly()

    def check_source(self, request: Request) -> None:
        """While everybody is let in, everybody is this machine.

        Args:
            request: from whoever.

        Raises:
            ApiError: 403 for a web page that came by another name, or from elsewhere.
        """
        if self._off:
            self._local.check(request)

    def owner(self, header: str | None) -> str:
        """The owner of the key or the token in an `Authorization` header.

        Raises:
            ApiError: 401 without a key or with one that is not known; 403 for a genuine token of an
                account that has no owner here.
        """
        owner = LOCAL_OWNER if self._off else self._known_owner(header)
        logs.bind(owner=owner)
        return owner

    def _known_owner(self, header: str | None) -> str:
        scheme, _, key = (header or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise ApiError(
                UNAUTHENTICATED,
                "No key was given; send the header Authorization: Bearer <your key>.",
                headers=CHALLENGE,
            )
        found = None
        for owner, salt, wanted in self._hashes:
            if hmac.compare_digest(digest(salt, key), wanted):
                found = owner
        if found is None and self._tokens and key.count(".") == JWT_DOTS:
            found = _token_owner(self._tokens, key)
        if found is None:
            raise ApiError(
                UNAUTHENTICATED,
                "This key is not known here; ask the owner of the service for a new one.",
                headers=WRONG,
            )
        return found


def _token_owner(tokens: Tokens, token: str) -> str | None:
    try:
        account = tokens.google.verify(token, tokens.audiences)
    except NotGenuine:
        return None
    # A subject that looks like an e-mail would otherwise stand for one that nobody verified.
    subject = account.subject if "@" not in account.subject else None
    for name in (subject, account.email):
        if name is not None and name in tokens.owners:
            return tokens.owners[name]
    raise ApiError(
        FORBIDDEN,
        "This Google account is not known here; ask the owner of the service to add it.",
    )


def digest(salt: str, key: str) -> str:
    """The hex hash that is stored of a key."""
    return hashlib.sha256(f"{salt}{key}".encode()).hexdigest()


def new_key() -> tuple[str, str]:
    """A fresh key and what is stored of it.

    Returns:
        The key, shown once, and `salt:hash` for `OWNER_KEYS`. The salt stands in the key, too, as
        its name: whoever holds a key can say which one it is.
    """
    salt = secrets.token_hex(SALT_BYTES)
    key = f"{PREFIX}_{salt}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return key, f"{salt}:{digest(salt, key)}"
