"""The settings that name owners: their keys, limits, webhook secrets and Google identities.

An owner's name becomes part of object names, so that it is checked in each table alike.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lib.config.values import ConfigError, table
from lib.core.ids import OWNER

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_HASH = re.compile(r"[^:\s]{1,64}:[0-9a-f]{64}")
# A day of one owner costs 367 CNY at most: 100 films of five seconds of the dearest model (0.733924
# CNY a second; Model Studio, "Model pricing"), and 4 GB of uploads that lie for three days.
DEFAULT_LIMITS: Mapping[str, Any] = MappingProxyType(
    {"jobs_per_day": 100, "jobs_running": 10, "uploads_per_day": 400}
)
KEYS_SHAPE = '{"owner": ["salt:sha256 hex", ...], ...}'


def parse_owner_keys(stored: Any) -> Mapping[str, tuple[str, ...]]:
    """The table of `OWNER_KEYS`: owner to hashes of keys.

    Raises:
        ConfigError: it has another shape, or an owner's name cannot be part of an object's name.
    """
    shape = f"OWNER_KEYS must be a JSON object: {KEYS_SHAPE}."
    if not isinstance(stored, dict):
        raise ConfigError(shape)
    for owner, hashes in stored.items():
        _check_owner("OWNER_KEYS", owner)
        if not isinstance(hashes, list) or not all(
            isinstance(text, str) and KEY_HASH.fullmatch(text) for text in hashes
        ):
            raise ConfigError(f"{shape} infra/dev keys makes it.")
    return {owner: tuple(hashes) for owner, hashes in stored.items()}


def id_tokens(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings of ID tokens; both or neither, so that nothing is opened by half a setting.

    Raises:
        ConfigError: one is missing, or has another shape.
    """
    audience = tuple(environ.get("ID_TOKEN_AUDIENCE", "").replace(",", " ").split())
    shape = '{"owner": ["name@example.com", "an account\'s sub", ...], ...}'
    owners: dict[str, str] = {}
    for owner, identities in table(environ, "ID_TOKEN_OWNERS", shape).items():
        _check_owner("ID_TOKEN_OWNERS", owner)
        if not isinstance(identities, list) or not all(
            isinstance(text, str) and text.strip() for text in identities
        ):
            raise ConfigError(f"ID_TOKEN_OWNERS must be a JSON object: {shape}.")
        for text in identities:
            name = text.strip().lower() if "@" in text else text.strip()
            if owners.setdefault(name, owner) != owner:
                raise ConfigError(f"ID_TOKEN_OWNERS: {name} stands under two owners.")
    if bool(audience) != bool(owners):
        raise ConfigError(
            "ID_TOKEN_AUDIENCE and ID_TOKEN_OWNERS go together: for whom a Google ID token must be "
            "issued, and whose it is. Set both or neither."
        )
    return {
        "id_token_audience": audience,
        "id_token_owners": owners,
        "id_token_certs_url": environ.get("ID_TOKEN_CERTS_URL") or None,
    }


def owner_limits(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The table of `OWNER_LIMITS`: owner to limits, as they stand there.

    What the row of everybody leaves open is limited all the same, so that a stolen key costs what
    somebody has reckoned; on the storage emulator, where nothing costs, it is not.

    Raises:
        ConfigError: it is no JSON object, or an owner has another name.
    """
    stored = table(environ, "OWNER_LIMITS", '{"owner or *": {"jobs_per_day": 50}, ...}')
    for owner in stored.keys() - {"*"}:
        _check_owner("OWNER_LIMITS", owner)
    everybody = stored.get("*", {})
    if environ.get("STORAGE_EMULATOR_HOST") or not isinstance(everybody, dict):
        return stored
    return {**stored, "*": {**DEFAULT_LIMITS, **everybody}}


def webhook_secrets(environ: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """The table of `WEBHOOK_SECRETS`: owner to one secret, or two while they rotate.

    Raises:
        ConfigError: it has another shape.
    """
    shape = '{"owner": ["whsec_newest", "whsec_older, while they rotate"], ...}'
    stored = table(environ, "WEBHOOK_SECRETS", shape)
    for owner, secrets in stored.items():
        _check_owner("WEBHOOK_SECRETS", owner)
        texts = isinstance(secrets, list) and all(isinstance(text, str) for text in secrets)
        if not texts or len(secrets) not in {1, 2}:
            raise ConfigError(f"WEBHOOK_SECRETS must be a JSON object: {shape}.")
    return {owner: tuple(secrets) for owner, secrets in stored.items()}


def _check_owner(variable: str, owner: str) -> None:
    if not OWNER.fullmatch(owner):
        raise ConfigError(
            f"{variable}: owner {owner!r} may hold letters, digits, - and _; 64 at most."
        )
