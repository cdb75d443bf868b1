"""The settings of DashScope accounts: one by single variables, several as a JSON list.

Each account has a name, a region, a key and a way in which frames reach it; two may share neither
name nor key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lib.config.values import ConfigError, choice, json_value, required

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTS = {
    # Model Studio, "Wan image-to-video by first and last frame" API reference.
    "singapore": "https://dashscope-intl.aliyuncs.com/api/v1",
    "beijing": "https://dashscope.aliyuncs.com/api/v1",
}
DELIVERIES = ("link", "upload", "inline")


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


def parse_accounts(environ: Mapping[str, str], *, local: bool) -> tuple[Account, ...]:
    """The accounts of `DASHSCOPE_ACCOUNTS`, or the one of the single variables.

    Args:
        environ: names to values.
        local: whether the storage emulator is in use.

    Raises:
        ConfigError: one has another shape, or two cannot be told apart.
    """
    rows = json_value(environ, "DASHSCOPE_ACCOUNTS")
    if rows is None:
        region = choice(environ, "DASHSCOPE_REGION", tuple(HOSTS), "singapore")
        key = required(environ, "DASHSCOPE_API_KEY", f"the Model Studio key of region {region}")
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
