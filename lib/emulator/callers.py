"""Who may call an emulator: this machine, and no web page that a browser was led to.

A page of a stranger can reach a port of a laptop by its address, and by a name of its own that
leads there (DNS rebinding); the browser then says whose page it is in `Origin`, and which name was
asked in `Host`. Refuses both where they are not of this machine. Sources: RFC 9110, section 7.2;
RFC 6761, section 6.3 (`localhost`); Fetch Standard, "`Origin` header".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOOPBACK = re.compile(r"(?:.+\.)?localhost|127\.0\.0\.1|\[::1\]")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")


@dataclass(frozen=True)
class Callers:
    """Who may call.

    Attributes:
        hosts: names that lead here besides those of this machine; any port.
        origins: browsers' origins besides those of this machine; `*` for all.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def refusal(self, host: str, origin: str) -> str:
        """Why a request may not pass; empty when it may.

        Args:
            host: its `Host`; empty without one, which no browser sends.
            origin: its `Origin`, likewise.
        """
        if host and not self._is_ours(host):
            return f"Host {host[:100]!r} is none of this machine; --allow-host allows its name."
        if origin and not ({origin, "*"} & {*self.origins} or self._is_ours(_authority(origin))):
            return f"Origin {origin[:100]!r} is none of this machine; --allow-origin allows it."
        return ""

    def _is_ours(self, authority: str) -> bool:
        found = _HOST.fullmatch(authority)
        name = found[1].lower() if found else ""
        return bool(_LOOPBACK.fullmatch(name)) or name in {host.lower() for host in self.hosts}

    def only(self, app: WSGIApplication) -> Callable[..., Iterable[bytes]]:
        """An app that answers them alone, 403 to everybody else.

        Args:
            app: a WSGI application.
        """

        def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN", "")
            why = self.refusal(host, origin)
            if not why:
                return app(environ, start_response)
            body = json.dumps({"error": {"code": 403, "message": why}}).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            start_response("403 Forbidden", headers)
            return [body]

        return guarded


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc  # `null` has none
    except ValueError:
        return ""
