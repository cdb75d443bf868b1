"""The settings, read once from the environment into one frozen object.

The only module that knows environment variables: their names, defaults and bounds, and which
combinations are refused. It builds nothing and calls nobody.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.core.ids import OWNER

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTS = {
    # Model Studio, "Wan image-to-video by first and last frame" API reference.
    "singapore": "https://dashscope-intl.aliyuncs.com/api/v1",
    "beijing": "https://dashscope.aliyuncs.com/api/v1",
}
DELIVERIES = ("link", "upload", "inline")
KEY_HASH = re.compile(r"[^:\s]{1,64}:[0-9a-f]{64}")
KEYS_SHAPE = '{"owner": ["salt:sha256 hex", ...], ...}'
MAX_URL_TTL_S = 12 * 3600  # a signBlob key is promised for 12 hours only (IAM documentation)


class ConfigError(Exception):
    """A setting that is missing or out of bounds: names the variable, what it holds, what to do."""


@dataclass(frozen=True)
class Account:
    """One DashScope account in one region.

    Attributes:
        name: our word for it; stored with each job, so it must not change while jobs live.
        region: `singapore` or `beijing`; host, key and models belong to one region.
        base_url: up to and including `/api/v1`, without a trailing slash.
        api_key: the secret; never printed.
        delivery: how frames reach it: `link`, `upload` or `inline`.
    """

    name: str
    region: str
    base_url: str
    api_key: str = field(repr=False)
    delivery: str = "link"


@dataclass(frozen=True)
class Config:
    """Every setting of the service; see the README's table for the variables."""

    bucket: str
    accounts: tuple[Account, ...]
    owner_keys: Mapping[str, tuple[str, ...]] = field(repr=False)
    auth_off: bool = False
    storage_emulator: str | None = None
    emulator_clock_url: str | None = None
    signing_key_file: str | None = None
    allowed_origins: tuple[str, ...] = ()
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
    project: str | None = None
    service: str = "inbetween"
    revision: str = ""
    studio: bool = False
    max_body_bytes: int = 32 * 1024 * 1024

    @property
    def local(self) -> bool:
        """Whether the storage emulator is in use: loopback addresses and open doors are allowed."""
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
    auth_off = _choice(environ, "AUTH", ("on", "off"), "on") == "off"
    clock = environ.get("EMULATOR_CLOCK_URL") or None
    if auth_off and not emulator:
        raise ConfigError(
            "AUTH=off opens the service to everybody; it is refused unless STORAGE_EMULATOR_HOST "
            "points at the storage emulator. Set OWNER_KEYS instead."
        )
    _emulators_only(environ, "EMULATOR_CLOCK_URL", "set our clock")
    _emulators_only(environ, "ID_TOKEN_CERTS_URL", "say which tokens are Google's")
    return Config(
        bucket=_required(environ, "BUCKET", "the name of the bucket that holds everything"),
        accounts=_accounts(environ, local=emulator is not None),
        owner_keys=parse_owner_keys(_object(environ, "OWNER_KEYS", KEYS_SHAPE)),
        auth_off=auth_off,
        storage_emulator=emulator,
        emulator_clock_url=clock,
        signing_key_file=environ.get("SIGNING_KEY_FILE") or None,
        allowed_origins=tuple(environ.get("ALLOWED_ORIGINS", "").replace(",", " ").split()),
        signed_url_ttl_s=int(_number(environ, "SIGNED_URL_TTL_S", 3600, 60, MAX_URL_TTL_S)),
        tick_budget_s=_number(environ, "TICK_BUDGET_S", 50, 1, 1700),
        first_look_s=_number(environ, "FIRST_LOOK_S", 0, 0, 3600)
        if environ.get("FIRST_LOOK_S")
        else None,
        implicit_dedupe_s=int(_number(environ, "IMPLICIT_DEDUPE_S", 60, 0, 3600)),
        poll_audience=environ.get("POLL_AUDIENCE") or None,
        poll_invoker=environ.get("POLL_INVOKER") or None,
        poll_behind_iam=_choice(environ, "POLL_BEHIND_IAM", ("on", "off"), "off") == "on",
        **_id_tokens(environ),
        owner_limits=_limits(environ),
        webhook_secrets=_webhook_secrets(environ),
        # The platform's own names: Cloud Run functions, "Environment variables".
        project=environ.get("GOOGLE_CLOUD_PROJECT") or None,
        service=environ.get("K_SERVICE") or "inbetween",
        revision=environ.get("K_REVISION") or "",
        studio=_choice(environ, "STUDIO", ("on", "off"), "off") == "on",
    )


def _required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set; it must hold {meaning}.")
    return value


def _choice(environ: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = environ.get(name, "").strip().lower() or default
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; allowed: {', '.join(allowed)}.")
    return value


def _number(
    environ: Mapping[str, str], name: str, default: float, low: float, high: float
) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it must be a number of seconds.") from None
    if not low <= value <= high:
        raise ConfigError(f"{name} is {text}; allowed: {low:g} to {high:g}.")
    return value


def _json(environ: Mapping[str, str], name: str) -> Any:
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        # The text may hold keys: it is never repeated.
        raise ConfigError(f"{name} is not valid JSON.") from None


def _accounts(environ: Mapping[str, str], *, local: bool) -> tuple[Account, ...]:
    rows = _json(environ, "DASHSCOPE_ACCOUNTS")
    if rows is None:
        region = _choice(environ, "DASHSCOPE_REGION", tuple(HOSTS), "singapore")
        key = _required(environ, "DASHSCOPE_API_KEY", f"the Model Studio key of region {region}")
        rows = [
            {
                "name": region,
                "region": region,
                "api_key": key,
                "base_url": environ.get("DASHSCOPE_BASE_URL") or HOSTS[region],
                "delivery": environ.get("FRAME_DELIVERY") or None,
            }
        ]
    if not isinstance(rows, list) or not rows:
        raise ConfigError("DASHSCOPE_ACCOUNTS must be a JSON list with at least one account.")
    accounts = tuple(_account(row, local=local) for row in rows)
    if len({account.name for account in accounts}) != len(accounts):
        raise ConfigError("DASHSCOPE_ACCOUNTS: two accounts share one name.")
    if len({(account.base_url, account.api_key) for account in accounts}) != len(accounts):
        # One task list would serve two names, and a lost task could be taken for the other's.
        raise ConfigError("DASHSCOPE_ACCOUNTS: two accounts share one key; each needs its own.")
    return accounts


def _account(row: Any, *, local: bool) -> Account:
    if not isinstance(row, dict) or not isinstance(row.get("api_key"), str) or not row["api_key"]:
        raise ConfigError("DASHSCOPE_ACCOUNTS: every account needs an api_key (a text).")
    region = row.get("region", "singapore")
    if region not in HOSTS:
        raise ConfigError(f"DASHSCOPE_REGION is {region!r}; allowed: {', '.join(HOSTS)}.")
    base_url = str(row.get("base_url") or HOSTS[region]).rstrip("/")
    if not base_url.startswith("https://") and not (local and base_url.startswith("http://")):
        raise ConfigError(
            f"DASHSCOPE_BASE_URL is {base_url!r}; it must start with https:// (http:// only on the "
            "storage emulator)."
        )
    # A mainland machine cannot be assumed to reach a Google link; an emulated bucket is reachable
    # for an emulated upstream only.
    reachable = not local or base_url.startswith("http://")
    default = "inline" if not reachable else "upload" if region == "beijing" else "link"
    delivery = row.get("delivery") or default
    if delivery not in DELIVERIES:
        raise ConfigError(f"FRAME_DELIVERY is {delivery!r}; allowed: {', '.join(DELIVERIES)}.")
    name = str(row.get("name") or region)
    if not name.isascii() or not name.replace("-", "").isalnum():
        raise ConfigError(f"DASHSCOPE_ACCOUNTS: the name {name!r} may hold letters, digits and -.")
    return Account(name, region, base_url, row["api_key"], delivery)


def parse_owner_keys(table: Any) -> Mapping[str, tuple[str, ...]]:
    """The table of `OWNER_KEYS`: owner to hashes of keys.

    Raises:
        ConfigError: it has another shape, or an owner's name cannot be part of an object's name.
    """
    shape = f"OWNER_KEYS must be a JSON object: {KEYS_SHAPE}."
    if not isinstance(table, dict):
        raise ConfigError(shape)
    for owner, hashes in table.items():
        _check_owner("OWNER_KEYS", owner)
        if not isinstance(hashes, list) or not all(
            isinstance(text, str) and KEY_HASH.fullmatch(text) for text in hashes
        ):
            raise ConfigError(f"{shape} infra/dev keys makes it.")
    return {owner: tuple(hashes) for owner, hashes in table.items()}


def _id_tokens(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings of ID tokens; both or neither, so that nothing is opened by half a setting."""
    audience = tuple(environ.get("ID_TOKEN_AUDIENCE", "").replace(",", " ").split())
    shape = '{"owner": ["name@example.com", "an account\'s sub", ...], ...}'
    owners: dict[str, str] = {}
    for owner, identities in _object(environ, "ID_TOKEN_OWNERS", shape).items():
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


def _limits(environ: Mapping[str, str]) -> Mapping[str, Any]:
    table = _object(environ, "OWNER_LIMITS", '{"owner or *": {"jobs_per_day": 50}, ...}')
    for owner in table.keys() - {"*"}:
        _check_owner("OWNER_LIMITS", owner)
    return table


def _webhook_secrets(environ: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    shape = '{"owner": ["whsec_newest", "whsec_older, while they rotate"], ...}'
    table = _object(environ, "WEBHOOK_SECRETS", shape)
    for owner, secrets in table.items():
        _check_owner("WEBHOOK_SECRETS", owner)
        texts = isinstance(secrets, list) and all(isinstance(text, str) for text in secrets)
        if not texts or len(secrets) not in {1, 2}:
            raise ConfigError(f"WEBHOOK_SECRETS must be a JSON object: {shape}.")
    return {owner: tuple(secrets) for owner, secrets in table.items()}


def _emulators_only(environ: Mapping[str, str], name: str, power: str) -> None:
    if environ.get(name) and not environ.get("STORAGE_EMULATOR_HOST"):
        raise ConfigError(
            f"{name} would let somebody else {power}; it is refused unless STORAGE_EMULATOR_HOST "
            "points at the storage emulator."
        )


def _object(environ: Mapping[str, str], name: str, shape: str) -> dict[str, Any]:
    table = _json(environ, name)
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise ConfigError(f"{name} must be a JSON object: {shape}.")
    return table


def _check_owner(variable: str, owner: str) -> None:
    if not OWNER.fullmatch(owner):
        raise ConfigError(
            f"{variable}: owner {owner!r} may hold letters, digits, - and _; 64 at most."
        )
