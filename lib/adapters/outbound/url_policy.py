"""Which links of others are followed and which addresses are connected to: judgement alone.

A link is judged before it is used and written anew, so that no second parser can read it otherwise.
Asks nobody, not even DNS; refuses with a reason that never repeats what was found. That connections
keep to it is the business of `session`.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

PORTS = frozenset({443, 8443})
LINK_AT_MOST = 8192  # characters; servers take about that much
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Names that lead nowhere public by definition: RFC 6761, RFC 6762, RFC 8375; `internal` is reserved
# for private use by ICANN (2024) and is where clouds keep their metadata servers.
PRIVATE_NAMES = frozenset({"internal", "local", "localhost", "localdomain", "lan", "home.arpa"})
# The IANA special-purpose registries, written out: `is_global` differs between patch releases of
# Python. 6to4 is refused as a whole (RFC 7526 retired its relays).
CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is allocated of IPv6
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


class BadLink(Exception):
    """A link that is not followed; the message says why, without repeating it."""


def judge(url: str, *, allow_loopback_http: bool = False, ports: frozenset[int] = PORTS) -> str:
    """The link as it may be asked for, in the one spelling that every parser reads alike.

    Args:
        url: somebody else's.
        allow_loopback_http: locally, http to this machine is allowed; nothing else is relaxed.
        ports: which ports https may use.

    Raises:
        BadLink: it is not allowed.
    """
    if len(url) > LINK_AT_MOST:
        raise BadLink(f"it is longer than {LINK_AT_MOST} characters")
    if any(char <= " " or char in "\\\x7f" or "\ud800" <= char <= "\udfff" for char in url):
        raise BadLink("it holds blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadLink("it is not a valid link") from None
    if parts.username is not None or parts.password is not None:
        raise BadLink("it carries a user name or password")
    if allow_loopback_http and parts.scheme == "http" and host in LOOPBACK:
        return _anew(parts, host, port)
    if parts.scheme != "https":
        raise BadLink("it is not https")
    host = _ascii(host)
    if (443 if port is None else port) not in ports:
        raise BadLink("its port is not allowed")
    _judge_host(host)
    return _anew(parts, host, port)


def upgraded(url: str, *, allow_loopback_http: bool) -> str:
    """An http link with https in its place; any other link, and nonsense, as it is.

    Args:
        url: somebody else's.
        allow_loopback_http: locally, http to this machine stays http.
    """
    if url[:5].lower() != "http:":
        return url
    try:
        parts = urlsplit(url)
        if allow_loopback_http and parts.hostname in LOOPBACK:
            return url
    except ValueError:
        return url
    netloc = parts.netloc.removesuffix(":80")
    return urlunsplit(("https", netloc, parts.path, parts.query, parts.fragment))


def _judge_host(host: str) -> None:
    if _is_address(host):
        if not public(host):
            raise BadLink("its host is not a public address")
    elif "." not in host or any(
        host == name or host.endswith(f".{name}") for name in PRIVATE_NAMES
    ):
        raise BadLink("its host is not a public name")


def _ascii(host: str) -> str:
    """A host name in ASCII (IDNA), without the dot of the root."""
    if "%" in host:
        raise BadLink("its host is written with % signs")
    if ":" in host:
        return host
    try:
        # Also turns digits and dots of other scripts into the plain ones, as resolvers' users do.
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadLink("its host is not a valid name") from None
    name = name.removesuffix(".")
    if not name or not all(char.isalnum() or char in "-._" for char in name):
        raise BadLink("its host is not a valid name")
    return name


def _anew(parts: SplitResult, host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    netloc = host if port is None else f"{host}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))


def _is_address(host: str) -> bool:
    """Whether a host is an address in any spelling that a resolver understands."""
    try:
        socket.inet_aton(host)
    except OSError:
        return ":" in host
    return True


def public(address: str) -> bool:
    """Whether an address may be connected to.

    Args:
        address: IPv4 in any spelling (decimal, octal, hex), or IPv6 without a zone.
    """
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        try:
            ip = ipaddress.IPv4Address(socket.inet_aton(address))
        except OSError:
            return False
    if isinstance(ip, ipaddress.IPv6Address):
        if getattr(ip, "scope_id", None):
            return False
        inner = ip.ipv4_mapped
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
        if ip not in UNICAST:
            return False
    return not any(ip in network for network in CLOSED if network.version == ip.version)


def loopback(address: str) -> bool:
    """Whether an address is this very machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
