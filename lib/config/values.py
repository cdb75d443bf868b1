"""One environment variable at a time: its text read as a word, a number or JSON, within bounds.

Every refusal names the variable and what it may hold; what may hold keys is never repeated.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


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
