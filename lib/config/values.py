"""One environment variable at a time: its text read as a word, a number or JSON, within bounds.

Every refusal names the variable and what it may hold; what may hold keys is never repeated.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# RFC 3986: a host's name, and path segments of unreserved characters that are no `.` or `..`.
NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*")
PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
PUBLIC_URL_SHAPE = (
    "an https address as callers write it, such as https://films.example.com or "
    "https://example.com/films, without a slash at the end; http for this machine only"
)


class ConfigError(Exception):
    """A setting that is missing or out of bounds: names the variable, what it holds, what to do."""


def required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """A setting that must be there.

    Raises:
        ConfigError: it is not.
    """
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set; it must hold {meaning}.")
    return value


def choice(environ: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    """A setting with a few words to choose from, in lower case.

    Raises:
        ConfigError: it holds another word.
    """
    value = environ.get(name, "").strip().lower() or default
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; allowed: {', '.join(allowed)}.")
    return value


def number(environ: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    """A number between two bounds, both allowed.

    Raises:
        ConfigError: it is none, or out of bounds.
    """
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


def json_value(environ: Mapping[str, str], name: str) -> Any:
    """A setting that holds JSON; None where it is not set.

    Raises:
        ConfigError: it is no JSON.
    """
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        # The text may hold keys: it is never repeated.
        raise ConfigError(f"{name} is not valid JSON.") from None


def table(environ: Mapping[str, str], name: str, shape: str) -> dict[str, Any]:
    """A setting that holds a JSON object; empty where it is not set.

    Args:
        environ: names to values.
        name: of the variable.
        shape: an example, for the refusal.

    Raises:
        ConfigError: it holds something else.
    """
    found = json_value(environ, name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{name} must be a JSON object: {shape}.")
    return found


def emulators_only(environ: Mapping[str, str], name: str, power: str) -> None:
    """Refuse a setting that would open the service, unless the emulators are in use.

    Raises:
        ConfigError: it is set without them.
    """
    if environ.get(name) and not environ.get("STORAGE_EMULATOR_HOST"):
        raise ConfigError(
            f"{name} would let somebody else {power}; it is refused unless STORAGE_EMULATOR_HOST "
            "points at the storage emulator."
        )


def public_url(environ: Mapping[str, str], name: str = "PUBLIC_URL") -> str | None:
    """Our own address as callers write it, with its host in lower case; None where it is not set.

    Args:
        environ: names to values.
        name: of the variable.

    Raises:
        ConfigError: it is no such address.
    """
    text = environ.get(name, "").strip()
    if not text:
        return None
    if "@" in text:
        raise ConfigError(f"{name} holds an @, so perhaps a password. Allowed: {PUBLIC_URL_SHAPE}.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        loopback = host == "localhost" or _is_loopback(host)
    except ValueError:
        raise ConfigError(f"{name} is {text!r}, no address. Allowed: {PUBLIC_URL_SHAPE}.") from None
    if fault := _fault(text, parts.scheme, host, parts.path, loopback=loopback):
        raise ConfigError(f"{name} is {text!r}: {fault}. Allowed: {PUBLIC_URL_SHAPE}.")
    netloc = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{netloc}{'' if port in {None, usual} else f':{port}'}{parts.path}"


def _fault(text: str, scheme: str, host: str, path: str, *, loopback: bool) -> str:
    """What is wrong with our own address; empty for nothing."""
    if scheme != "https" and not (scheme == "http" and loopback):
        return "it does not begin with https://"
    if ":" not in host and not NAME.fullmatch(host):
        return "its host is no name in plain letters (xn--… for others)"
    if "?" in text or "#" in text:
        return "it has a query or a fragment"
    if path.endswith("/"):
        return "it ends with a slash"
    return "" if PREFIX.fullmatch(path) else "its path is not plain"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
