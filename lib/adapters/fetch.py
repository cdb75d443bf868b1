"""Fetching what a stranger's link points to, without becoming the stranger's tool.

Https only, public addresses only (judged at connect time, so that a name cannot change its mind),
three redirects at most and each judged again, bounded in size and time. Refuses everything else
with a reason that names the field and never repeats what was found.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from lib.core.errors import INVALID_FRAME, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

TIMEOUT_S = (3.05, 20.0)
TOTAL_S = 60.0
REDIRECTS_AT_MOST = 3
PORTS = frozenset({443, 8443})
BLOCK = 1 << 16
OK, REDIRECTS, BUSY = 200, frozenset({301, 302, 303, 307, 308}), frozenset({502, 503, 504})
PAUSES_S = (0.3, 1.0)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class FetchFailed(Exception):  # noqa: N818 - callers decide what it means
    """A link that gave nothing usable; the message says why, without repeating it."""


class NotPublic(OSError):  # noqa: N818 - raised inside a transport, read outside
    """A name that leads to an address which is not public."""


@dataclass(frozen=True)
class Download:
    """An answer whose body is read while it arrives.

    Attributes:
        status: HTTP status.
        headers: of the answer.
        length: declared bytes, None when it was not declared or is encoded.
        content_type: without parameters.
        chunks: the body; raises `FetchFailed` when it breaks off.
    """

    status: int
    headers: Mapping[str, str]
    length: int | None
    content_type: str
    chunks: Iterator[bytes]


class Fetcher:
    """Fetches frames and films.

    Args:
        session: its transport, see `guarded_session`.
        allow_loopback_http: locally, http to this machine is allowed; nothing else is relaxed.
        now: seconds, for the total time limit.
        sleep: waits between two tries.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        allow_loopback_http: bool,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._session, self._loopback = session, allow_loopback_http
        self._now, self._sleep = now, sleep

    def get(self, url: str, *, limit_bytes: int, param: str) -> bytes:
        """The whole body behind a link to a frame.

        Args:
            url: the caller's link.
            limit_bytes: more is refused while it streams.
            param: the request field, for the refusal.

        Raises:
            ApiError: `invalid_frame` with the reason.
        """
        try:
            with self.stream(url) as download:
                if download.status != OK:
                    raise FetchFailed(f"its host answered {download.status}")  # noqa: TRY301
                if (download.length or 0) > limit_bytes:
                    raise FetchFailed(f"it is larger than {limit_bytes} bytes")  # noqa: TRY301
                body = b""
                for chunk in download.chunks:
                    body += chunk
                    if len(body) > limit_bytes:
                        raise FetchFailed(f"it is larger than {limit_bytes} bytes")  # noqa: TRY301
                return body
        except FetchFailed as reason:
            raise ApiError(
                INVALID_FRAME,
                f"{param}: the link could not be used: {reason}. Allowed: https links to public "
                "hosts, port 443; or upload the file itself.",
                param,
            ) from reason

    @contextmanager
    def stream(self, url: str) -> Iterator[Download]:
        """An answer to read while it arrives; redirects are followed, each judged again.

        Raises:
            FetchFailed: the link is not allowed, or nothing usable came.
        """
        deadline = self._now() + TOTAL_S
        response = self._follow(url)
        try:
            encoded = response.headers.get("Content-Encoding", "identity") != "identity"
            length = response.headers.get("Content-Length", "")
            yield Download(
                response.status_code,
                response.headers,
                int(length) if length.isdigit() and not encoded else None,
                response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                self._chunks(response, deadline),
            )
        finally:
            response.close()

    def _chunks(self, response: requests.Response, deadline: float) -> Iterator[bytes]:
        import requests  # noqa: PLC0415 - only a link needs it

        try:
            for chunk in response.iter_content(BLOCK):
                if self._now() > deadline:
                    raise FetchFailed(f"it took longer than {TOTAL_S:g} s")
                yield chunk
        except (requests.RequestException, OSError) as error:
            raise FetchFailed(f"the connection broke ({type(error).__name__})") from error

    def _follow(self, url: str) -> requests.Response:
        for _ in range(REDIRECTS_AT_MOST + 1):
            self._judge(url)
            response = self._ask(url)
            target = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            url = urljoin(url, target)
        raise FetchFailed(f"it redirects more than {REDIRECTS_AT_MOST} times")

    def _judge(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise FetchFailed("it is not a valid link") from None
        if parts.username is not None or parts.password is not None:
            raise FetchFailed("it carries a user name or password")
        if self._loopback and parts.scheme == "http" and host in LOOPBACK:
            return
        if parts.scheme != "https":
            raise FetchFailed("it is not https")
        if (port or 443) not in PORTS:
            raise FetchFailed(f"port {port} is not allowed")
        if not host or "." not in host.strip(".") or host.endswith((".internal", ".local")):
            raise FetchFailed("its host is not a public name")
        if _is_address(host) and not public(host.strip("[]")):
            raise FetchFailed("its host is not a public address")

    def _ask(self, url: str) -> requests.Response:
        for pause_s in PAUSES_S:
            response = self._once(url)
            if response is not None and response.status_code not in BUSY:
                return response
            # Retried: a connection that failed, and an answer of 502, 503 or 504 to a GET.
            self._sleep(pause_s)
        response = self._once(url)
        if response is None:
            raise FetchFailed("its host does not answer")
        return response

    def _once(self, url: str) -> requests.Response | None:
        import requests  # noqa: PLC0415 - only a link needs it

        try:
            return self._session.get(
                url,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
                headers={"Accept-Encoding": "identity"},
            )
        except requests.RequestException as error:
            if _caused_by(error, NotPublic):
                raise FetchFailed("its host is not a public address") from error
            return None


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    seen: list[Any] = [error]
    while seen:
        current = seen.pop()
        if isinstance(current, kind):
            return True
        if isinstance(current, BaseException):
            seen += [current.__cause__, current.__context__, *current.args]
        seen += [getattr(current, "reason", None)] if hasattr(current, "reason") else []
    return False


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
        address: IPv4 in any spelling (decimal, octal, hex), or IPv6.
    """
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        try:
            ip = ipaddress.IPv4Address(socket.inet_aton(address))
        except OSError:
            return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or _nat64(ip)
        if inner is not None:
            return public(str(inner))
        if ip.teredo is not None:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside 64:ff9b::/96 (RFC 6052)."""
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def guarded_session(*, allow_loopback_http: bool) -> requests.Session:
    """A session whose https connections go to public addresses only.

    Args:
        allow_loopback_http: locally, plain http may be spoken (`Fetcher` allows it to this machine
            alone).
    """
    import requests  # noqa: PLC0415 - only a link needs it
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - as above
    from urllib3.connection import HTTPSConnection  # noqa: PLC0415 - as above
    from urllib3.connectionpool import HTTPSConnectionPool  # noqa: PLC0415 - as above

    class PublicConnection(HTTPSConnection):
        """Resolves once, connects to what was judged; TLS still verifies the name."""

        def _new_conn(self) -> socket.socket:
            for family, kind, proto, _, target in socket.getaddrinfo(
                self._dns_host, self.port, type=socket.SOCK_STREAM
            ):
                if not public(str(target[0])):
                    raise NotPublic("not a public address")
                connection = socket.socket(family, kind, proto)
                connection.settimeout(TIMEOUT_S[0])
                connection.connect(target)
                return connection
            raise OSError("no address")

    class PublicPool(HTTPSConnectionPool):
        ConnectionCls = PublicConnection

    class PublicAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {
                **self.poolmanager.pool_classes_by_scheme,
                "https": PublicPool,
            }

    session = requests.Session()
    session.trust_env = False  # no proxies, no netrc
    session.mount("https://", PublicAdapter())
    if not allow_loopback_http:
        session.adapters.pop("http://")
    return session
