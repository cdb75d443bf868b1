"""The settings, read once from the environment into one frozen object.

The only package that knows environment variables: their names, defaults and bounds, and which
combinations are refused. It builds nothing and calls nobody.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.config.accounts import Account, parse_accounts
from lib.config.owners import (
    KEYS_SHAPE,
    id_tokens,
    owner_limits,
    parse_owner_keys,
    webhook_secrets,
)
from lib.config.values import (
    ConfigError,
    choice,
    emulators_only,
    number,
    public_url,
    required,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Account", "Config", "ConfigError", "load", "parse", "parse_owner_keys"]

MAX_URL_TTL_S = 12 * 3600  # a signBlob key is promised for 12 hours only (IAM documentation)


@dataclass(frozen=True)
class Config:
    """Every setting of the service; infra/docs/configuration.md has the table of the variables."""

    bucket: str
    accounts: tuple[Account, ...]
    owner_keys: Mapping[str, tuple[str, ...]] = field(repr=False)
    auth_off: bool = False
    storage_emulator: str | None = None
    emulator_clock_url: str | None = None
    signing_key_file: str | None = None
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    signed_url_ttl_s: int = 3600
    tick_budget_s: float = 50.0
    first_look_s: float | None = None
    implicit_dedupe_s: int = 60
    poll_audience: str | None = None
    poll_invoker: str | None = None
    poll_behind_iam: bool = False
    id_token_audience: tuple[str, ...] = ()
    id_token_owners: Mapping[str, str] = field(default_factory=dict)
    id_token_certs_url: str | None = None
    owner_limits: Mapping[str, Any] = field(default_factory=dict)
    webhook_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    public_url: str | None = None
    project: str | None = None
    service: str = "inbetween"
    revision: str = ""
    max_body_bytes: int = 32 * 1024 * 1024

    @property
    def local(self) -> bool:
        """Whether the storage emulator is in use: loopback addresses and AUTH=off are allowed."""
        return self.storage_emulator is not None


def load() -> Config:
    """The settings of this process.

    Raises:
        ConfigError: a variable is missing or out of bounds.
    """
    return parse(os.environ)


def parse(environ: Mapping[str, str]) -> Config:
    """Read settings from a mapping of environment variables.

    Args:
        environ: names to values, as `os.environ`.

    Raises:
        ConfigError: a variable is missing or out of bounds.
    """
    emulator = environ.get("STORAGE_EMULATOR_HOST") or None
    auth_off = choice(environ, "AUTH", ("on", "off"), "on") == "off"
    clock = environ.get("EMULATOR_CLOCK_URL") or None
    if auth_off and not emulator:
        raise ConfigError(
            "AUTH=off opens the service to everybody; it is refused unless STORAGE_EMULATOR_HOST "
            "points at the storage emulator. Set OWNER_KEYS instead."
        )
    emulators_only(environ, "EMULATOR_CLOCK_URL", "set our clock")
    emulators_only(environ, "ID_TOKEN_CERTS_URL", "say which tokens are Google's")
    return Config(
        bucket=required(environ, "BUCKET", "the name of the bucket that holds everything"),
        accounts=parse_accounts(environ, local=emulator is not None),
        owner_keys=parse_owner_keys(table(environ, "OWNER_KEYS", KEYS_SHAPE)),
        auth_off=auth_off,
        storage_emulator=emulator,
        emulator_clock_url=clock,
        signing_key_file=environ.get("SIGNING_KEY_FILE") or None,
        allowed_origins=tuple(environ.get("ALLOWED_ORIGINS", "").replace(",", " ").split()),
        allowed_hosts=tuple(environ.get("ALLOWED_HOSTS", "").replace(",", " ").split()),
        signed_url_ttl_s=int(number(environ, "SIGNED_URL_TTL_S", 3600, 60, MAX_URL_TTL_S)),
        tick_budget_s=number(environ, "TICK_BUDGET_S", 50, 1, 1700),
        first_look_s=number(environ, "FIRST_LOOK_S", 0, 0, 3600)
        if environ.get("FIRST_LOOK_S")
        else None,
        implicit_dedupe_s=int(number(environ, "IMPLICIT_DEDUPE_S", 60, 0, 3600)),
        poll_audience=environ.get("POLL_AUDIENCE") or None,
        poll_invoker=environ.get("POLL_INVOKER") or None,
        poll_behind_iam=choice(environ, "POLL_BEHIND_IAM", ("on", "off"), "off") == "on",
        **id_tokens(environ),
        owner_limits=owner_limits(environ),
        webhook_secrets=webhook_secrets(environ),
        public_url=public_url(environ),
        # The platform's own names: Cloud Run functions, "Environment variables".
        project=environ.get("GOOGLE_CLOUD_PROJECT") or None,
        service=environ.get("K_SERVICE") or "inbetween",
        revision=environ.get("K_REVISION") or "",
    )
