"""With AUTH=off only this machine may call, and no web page that its browser was led to.

A page of a stranger can reach a port of a laptop by its address, and by a name of its own that
leads there (DNS rebinding); the browser then says whose page it is in `Origin`, and which name was
asked in `Host`. Refuses both where they are not of this machine. Sources: RFC 9110, section 7.2;
RFC 6761, section 6.3 (`localhost`); Fetch Standard, "`Origin` header".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lib.core.errors import FORBIDDEN, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Request

LOOPBACK = re.compile(r"(?:.+\.)?localhost|127\.0\.0\.1|\[::1\]")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
SHOWN_AT_MOST = 100  # characters


class LocalOnly:
    """Who may call a service without keys.

    Args:
        hosts: names that lead to it besides those of this machine; any port.
        origins: browsers' origins that may call besides those of this machine; `*` for all.
    """

    def __init__(self, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        self._hosts = frozenset(name.lower() for name in hosts)
        self._origins = frozenset(origins)

    def check(self, request: Request) -> None:
        """Let a request pass; one without the headers comes from no browser.

        Raises:
            ApiError: 403, with what to set.
        """
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if host and not self._is_ours(host):
            raise _foreign("Host", host, "its name in ALLOWED_HOSTS")
        if origin and not ({origin, "*"} & self._origins or self._is_ours(_authority(origin))):
            raise _foreign("Origin", origin, "the origin in ALLOWED_ORIGINS")

    def _is_ours(self, authority: str) -> bool:
        found = HOST.fullmatch(authority)
        name = found[1].lower() if found else ""
        return bool(LOOPBACK.fullmatch(name)) or name in self._hosts


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc  # `null` has none
    except ValueError:
        return ""


def _foreign(header: str, value: str, what: str) -> ApiError:
    return ApiError(
        FORBIDDEN,
        f"{header}: got {value[:SHOWN_AT_MOST]!a}; without keys (AUTH=off) only this machine "
        f"may call: localhost, 127.0.0.1, [::1]. If this is yours, start the service with {what}.",
    )
