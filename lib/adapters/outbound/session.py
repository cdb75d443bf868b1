"""Sessions whose connections keep to `url_policy` and `deadline`, whatever is asked over them.

An address is judged where it is connected to, so that no name can lead elsewhere in between. That
is done in the place of methods which urllib3 calls private: so a library that no longer calls them
makes no session, or no connection, and in no case one that was not judged. No session here follows
redirects by itself; each refuses by an error of its transport.
"""

from __future__ import annotations

import socket
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from lib.adapters.outbound import url_policy
from lib.adapters.outbound.deadline import current, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Pools = Mapping[str, type[HTTPConnectionPool]]

CONNECT_S = 3.05
# What a library binds to that connects by itself: no machine has it (RFC 5737), so it cannot.
NOWHERE = ("192.0.2.1", 0)
ADDRESSES_AT_MOST = 3  # that are tried; all are judged


class NotPublic(OSError):
    """A name that leads to an address which may not be connected to."""


class GuardBypassed(RuntimeError):
    """The installed library would connect in a way of its own: nothing is asked over it."""


def not_public(error: BaseException) -> bool:
    """Whether what a transport raised comes from an address that may not be connected to."""
    seen: list[Any] = [error]
    while seen:
        found = seen.pop()
        if isinstance(found, NotPublic):
            return True
        if isinstance(found, BaseException):
            seen += [found.__cause__, found.__context__, *found.args]
        seen += [getattr(found, "reason", None)] if hasattr(found, "reason") else []
    return False


def timed_session() -> requests.Session:
    """A session to a service that we chose ourselves; its connections are cut by `within`."""
    session = _UnreadRedirects()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _PoolAdapter({"https": _TimedTlsPool, "http": _TimedPool}))
    return session


def guarded_session(
    *, allow_loopback_http: bool, resolve: Callable[..., Any] = socket.getaddrinfo
) -> requests.Session:
    """A session whose connections go to public addresses over TLS only.

    Without proxies, netrc and cookies. A pooled connection stays with the address it was judged by.

    Args:
        allow_loopback_http: locally, plain http to this machine is allowed, too.
        resolve: as `socket.getaddrinfo`.

    Raises:
        GuardBypassed: the installed urllib3 would connect in a way of its own.
    """
    session = _UnreadRedirects()
    session.trust_env = False  # no proxies, no netrc
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    for scheme in ("https://", "http://") if allow_loopback_http else ("https://",):
        session.mount(scheme, _JudgedAdapter(_judged_pools(resolve)))
    return session


def unread_redirects(session: requests.Session) -> requests.Session:
    """A session that leaves redirects to its caller; the same object.

    Even when it follows none, requests reads the whole body of a redirect, however long it is, and
    trips over targets that are no links.
    """
    setattr(session, "get_redirect_target", lambda _response: None)  # noqa: B010 - see above
    return session


class _UnreadRedirects(requests.Session):
    """See `unread_redirects`."""

    def get_redirect_target(self, _resp: requests.Response) -> None:
        return


class _PoolAdapter(HTTPAdapter):
    """An adapter over pools of ours.

    Args:
        pools: by scheme.
    """

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self._pools)


class _JudgedAdapter(_PoolAdapter):
    """An adapter over pools whose connections are judged, and over nothing else."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        for scheme, pool in self._pools.items():
            # Asked as requests asks for it; nobody is connected to.
            made = self.poolmanager.connection_from_host("judged.invalid", scheme=scheme)
            connection = made._new_conn()  # noqa: SLF001 - that the private is there is the question
            judged = type(made) is pool and isinstance(connection, _Judged)
            if not judged or not hasattr(HTTPConnection, "_new_conn"):
                raise GuardBypassed(
                    "the installed urllib3 does not ask the address guard before it connects; "
                    "install the one that infra/requirements.lock names"
                )
        self.poolmanager.clear()

    def proxy_manager_for(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise requests.exceptions.ProxyError(NotPublic("a proxy would connect in our place"))


class _Watched(HTTPConnection):
    """A connection that the alarm of the thread which uses it can cut."""

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # a pooled one
            watched(self.sock)
        super().putrequest(*args, **kwargs)


class _Timed(_Watched):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        watched(made)
        return made


class _TimedTls(_Timed, HTTPSConnection):
    pass


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTls


class _Judged(_Watched):
    """A connection that takes no socket but the one that was judged for it.

    `sock` is where http.client keeps the socket of a connection, before TLS and after it.
    """

    _peer: object = None
    _sock: socket.socket | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "source_address": NOWHERE})

    @property
    def sock(self) -> socket.socket | None:
        return self._sock

    @sock.setter
    def sock(self, given: socket.socket | None) -> None:
        if given is not None and (self._peer is None or _peer(given) != self._peer):
            given.close()
            raise NotPublic("a connection that nobody judged")
        self._sock = given

    def _judged(self, allowed: Callable[[str], bool], resolve: Callable[..., Any]) -> socket.socket:
        made = _connected(self.host, self.port, allowed, resolve)
        self._peer = _peer(made)
        return made


def _peer(connection: socket.socket) -> object:
    """Whom a socket is connected to; one that is no longer connected is closed."""
    try:
        return connection.getpeername()
    except OSError:
        connection.close()
        raise


def _judged_pools(resolve: Callable[..., Any]) -> Pools:
    """Pools of connections to addresses that are judged when they are connected to."""

    class PublicConnection(_Judged, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return self._judged(url_policy.public, resolve)

    class LoopbackConnection(_Judged):
        def _new_conn(self) -> socket.socket:
            return self._judged(url_policy.loopback, resolve)

    class PublicPool(HTTPSConnectionPool):
        ConnectionCls = PublicConnection

    class LoopbackPool(HTTPConnectionPool):
        ConnectionCls = LoopbackConnection

    return {"https": PublicPool, "http": LoopbackPool}


def _connected(
    host: str, port: int, allowed: Callable[[str], bool], resolve: Callable[..., Any]
) -> socket.socket:
    """Resolve once, judge every answer, connect to one of those very addresses."""
    try:
        answers = resolve(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("not a name that can be resolved") from None
    if not all(allowed(str(answer[4][0])) for answer in answers):
        raise NotPublic("not a public address")
    failure = OSError("no address")
    for family, kind, proto, _, target in answers[:ADDRESSES_AT_MOST]:
        alarm = current()
        wait_s = min(CONNECT_S, alarm.left_s) if alarm else CONNECT_S
        if wait_s <= 0:
            raise TimeoutError("its time is over")
        connection = socket.socket(family, kind, proto)
        try:
            connection.settimeout(wait_s)
            connection.connect(target)
        except OSError as error:
            connection.close()
            failure = error
        else:
            watched(connection)
            return connection
    raise failure
