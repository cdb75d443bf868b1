"""Our own address: what links to ourselves begin with, however a request reached us.

PUBLIC_URL decides where it is set; without it the `Host` of a request is what its own answer
names, which nobody else reads. Never looks at `X-Forwarded-Host`, `Forwarded` and their kind:
whoever sends a request can write them, and no cache keeps answers apart by them. Sources: RFC 9110,
section 10.2.2 (a Location may be a path); Cloud Run functions, "Request headers" (the platform says
by which scheme it was called); https://github.com/firebase/firebase-tools/issues/1312 (a function
at REGION-PROJECT.cloudfunctions.net/NAME sees that host, and its path without `/NAME`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from lib.adapters.outbound.url_policy import LOOPBACK
from lib.core.errors import invalid

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

FUNCTION_HOST = re.compile(r"[a-z0-9-]+\.cloudfunctions\.net")
# A prefix of this kind cannot be told from a call that came without it.
LIKE_A_CALL = re.compile(r"/(v1|api)(/|$)")
REACHED = "inbetween.reached"  # where the WSGI environment keeps it


@dataclass(frozen=True)
class Reached:
    """Where one request reached us.

    Attributes:
        base: our whole address for its answer, without a slash at the end; empty for none.
        begins: what stands before a path of ours in a Location of its answer.
        server: our address as the contract names it: a path where nobody said more, since what
            caches may keep never holds the `Host` of a request.
    """

    base: str
    begins: str
    server: str


@dataclass(frozen=True, kw_only=True)
class Address:
    """What is known of our address before anybody calls.

    Attributes:
        public_url: as callers write it, without a slash at the end; None where nobody said.
        service: the platform's name for us, which stands in a cloudfunctions.net address.
        local: whether we run beside the emulators, where plain http is usual.
    """

    public_url: str | None = None
    service: str = ""
    local: bool = False

    def enter(self, request: Request) -> None:
        """Note where a request reached us, and take a prefix off its path that is still there.

        Args:
            request: its path may change.
        """
        host = request.host.lower().removesuffix(":443")
        public = urlsplit(self.public_url or "")
        function = f"/{self.service}" if FUNCTION_HOST.fullmatch(host) else ""
        for prefix in dict.fromkeys((public.path, function)):
            if prefix and not LIKE_A_CALL.match(prefix):
                request.path = _without(prefix, request.path)
        if host == public.netloc:
            begins = public.path
        else:
            # Elsewhere than at the public address its prefix alone would lead nowhere.
            begins = function or (self.public_url or "" if public.path else "")
        seen = f"{self._scheme(request, host)}://{host}{function}" if host else ""
        request.environ[REACHED] = Reached(
            self.public_url or seen, begins, self.public_url or function or "/"
        )

    def _scheme(self, request: Request, host: str) -> str:
        forwarded = request.headers.get("X-Forwarded-Proto", request.scheme)
        # No deployed service is called without TLS; the platform ends it in front of us.
        open_to_http = self.local or _names_this_machine(host)
        said = forwarded.partition(",")[0].strip()
        return "http" if open_to_http and said != "https" else "https"


def leave(request: Request, response: Response) -> None:
    """Let a Location that is a path of ours lead back to us by the way that a request came.

    Args:
        request: that `enter` has seen.
        response: to it; links to elsewhere stay as they are.
    """
    place = response.headers.get("Location", "")
    if place.startswith("/"):
        response.headers["Location"] = f"{_reached(request).begins}{place}"


def base(request: Request) -> str:
    """Our whole address for whoever sent a request, without a slash at the end.

    Args:
        request: that `enter` has seen.

    Raises:
        ApiError: `invalid_request`, it names no host and PUBLIC_URL is not set.
    """
    found = _reached(request).base
    if not found:
        raise invalid(
            "Host",
            "Host: the request names no host, or none that a link could begin with. Send the "
            "service's own; or its operator sets PUBLIC_URL.",
        )
    return found


def server(request: Request) -> str:
    """Our address as the contract names it.

    Args:
        request: that `enter` has seen.
    """
    return _reached(request).server


def _reached(request: Request) -> Reached:
    return cast("Reached", request.environ[REACHED])


def _without(prefix: str, path: str) -> str:
    if path == prefix:
        return "/"
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def _names_this_machine(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False
