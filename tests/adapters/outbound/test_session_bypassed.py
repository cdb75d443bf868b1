"""The guard fails closed: where a library no longer asks it, or a proxy stands in between, nothing is sent.

Each library of tomorrow is urllib3 of today with one attribute under another name, so that an
override of ours is never called. A private address is a socket here that listens and hears nothing.
"""

import contextlib
import socket
import threading
import time

import pytest
import requests
import urllib3.connection
import urllib3.connectionpool
import urllib3.poolmanager
from urllib3.connection import HTTPConnection

from lib.adapters.outbound import fetch, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound.ssrf_matrix import PUBLIC, _answer

FRAME_TYPE = {"Content-Type": "application/json"}


class Listener:
    """A private service: which connections came, and what they said."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.came, self.heard = 0, []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                self.came += 1
                with line, contextlib.suppress(OSError):
                    line.settimeout(5)
                    if said := line.recv(1 << 16):
                        self.heard.append(said)
                        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def silent(self):
        """Whether nobody but this very call said anything; connections are taken in their order."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.sendall(b"last")
            line.recv(1 << 10)
        self.came -= 1
        return self.heard == [b"last"]

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener():
    listening = Listener()
    yield listening
    listening.close()


def lying(listener):
    """A name that is public when it is judged and private when a library looks it up by itself."""
    return lambda _host, port, **_: [_answer(PUBLIC, port)]


def guarded(listener, *, local=False, resolve=None):
    session = sessions.guarded_session(
        allow_loopback_http=local, resolve=resolve or lying(listener)
    )
    fetcher = fetch.Fetcher(
        session,
        allow_loopback_http=local,
        now=time.monotonic,
        sleep=lambda _: None,
        ports=url_policy.PORTS | {listener.port},
    )
    return session, fetcher


def frame(fetcher, url):
    fetcher.get(url, limit_bytes=10, param="first_frame")


def film(fetcher, url):
    with fetcher.film(url, total_s=3.0):
        pass


def webhook(fetcher, url):
    fetcher.post(url, b"{}", FRAME_TYPE, total_s=3.0)


USES = {"frame": frame, "film": film, "webhook": webhook}


def looks_up_by_itself(monkeypatch, port):
    """Whatever name a library itself would look up is private here."""

    def private(_host, _port, *_args, **_more):
        return [_answer("127.0.0.1", port)]

    monkeypatch.setattr(socket, "getaddrinfo", private)


def dials(connection, **options):
    """What tomorrow's library does in the place of the method that we override."""
    return socket.create_connection((connection.host, connection.port), 5, **options)


def other_name(monkeypatch):
    """`connect` calls a method of another name, which does what the old one did."""

    def connect(self):
        self.sock = dials(self, source_address=self.source_address)

    monkeypatch.setattr(HTTPConnection, "connect", connect)


def other_name_and_way(monkeypatch):
    """The same, and it takes no notice of how its connections are to be bound."""

    def connect(self):
        self.sock = dials(self)

    monkeypatch.setattr(HTTPConnection, "connect", connect)


def other_name_with_tls(monkeypatch):
    """The same for TLS: the socket is there first, then the handshake begins."""

    def connect(self):
        self.sock = plain = dials(self)
        plain.sendall(b"\x16\x03\x01 hello")

    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", connect)


TOMORROW = {
    "another-name": other_name,
    "another-name-and-way": other_name_and_way,
    "tls-under-another-name": other_name_with_tls,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("change", TOMORROW.values(), ids=TOMORROW)
def test_a_library_that_connects_by_another_method_sends_nothing(
    listener, monkeypatch, change, use
):
    session, fetcher = guarded(listener)
    looks_up_by_itself(monkeypatch, listener.port)
    change(monkeypatch)
    if change is not other_name_with_tls:
        monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", HTTPConnection.connect)
    with pytest.raises((ApiError, fetch.FetchFailed)):
        use(fetcher, f"https://public.example.com:{listener.port}/a.png")
    session.close()
    assert listener.silent()
    if change is other_name:
        assert listener.came == 0  # nobody was even dialled


@pytest.mark.parametrize("change", [other_name, other_name_and_way])
def test_the_same_over_plain_http_on_a_laptop(listener, monkeypatch, change):
    session, fetcher = guarded(listener, local=True)
    looks_up_by_itself(monkeypatch, listener.port)
    change(monkeypatch)
    with pytest.raises(ApiError):
        frame(fetcher, f"http://localhost:{listener.port}/a.png")
    session.close()
    assert listener.silent()


def test_the_listener_would_have_heard_it(listener):
    session, fetcher = guarded(listener, local=True, resolve=socket.getaddrinfo)
    webhook(fetcher, f"http://127.0.0.1:{listener.port}/")
    session.close()
    assert (listener.came, len(listener.heard)) == (1, 1)


@pytest.mark.parametrize(
    "owner",
    [HTTPConnection, urllib3.connectionpool.HTTPConnectionPool],
    ids=["connections", "pools"],
)
def test_a_library_without_what_we_override_makes_no_session(monkeypatch, owner):
    monkeypatch.setattr(owner, "_tomorrow", owner._new_conn, raising=False)
    monkeypatch.delattr(owner, "_new_conn")
    with pytest.raises((sessions.GuardBypassed, AttributeError)):
        sessions.guarded_session(allow_loopback_http=True)


def test_a_library_that_makes_connections_of_its_own_class_makes_no_session(monkeypatch):
    def own(self):
        return HTTPConnection(self.host, self.port)

    monkeypatch.setattr(urllib3.connectionpool.HTTPSConnectionPool, "_new_conn", own)
    with pytest.raises(sessions.GuardBypassed, match="urllib3"):
        sessions.guarded_session(allow_loopback_http=False)


def test_a_library_that_makes_its_own_pools_makes_no_session(monkeypatch):
    made = urllib3.poolmanager.PoolManager.connection_from_host

    def own(self, *args, **more):
        self.pool_classes_by_scheme = urllib3.poolmanager.pool_classes_by_scheme
        return made(self, *args, **more)

    monkeypatch.setattr(urllib3.poolmanager.PoolManager, "connection_from_host", own)
    with pytest.raises(sessions.GuardBypassed, match="urllib3"):
        sessions.guarded_session(allow_loopback_http=False)


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_proxy_of_the_environment_is_not_asked(listener, monkeypatch, use):
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    refused = lambda _host, port, **_: [_answer("10.0.0.1", port)]  # noqa: E731
    session, fetcher = guarded(listener, resolve=refused)
    with pytest.raises((ApiError, fetch.FetchFailed), match="not a public address"):
        use(fetcher, "https://public.example.com/a.png")
    session.close()
    assert listener.silent()
    assert listener.came == 0


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_proxy_that_somebody_sets_is_refused_and_not_asked(listener, use):
    session, fetcher = guarded(listener)
    session.proxies = {"https": f"http://127.0.0.1:{listener.port}"}
    with pytest.raises((ApiError, fetch.FetchFailed)):
        use(fetcher, "https://public.example.com/a.png")
    session.close()
    assert listener.silent()
    assert listener.came == 0


def test_a_redirect_is_not_followed_by_the_session_itself(listener):
    """Whoever forgets `allow_redirects=False` still gets the redirect, and goes nowhere."""
    session = sessions.guarded_session(allow_loopback_http=True)
    asked = requests.Request("GET", f"http://127.0.0.1:{listener.port}/").prepare()
    answer = requests.Response()
    answer.status_code, answer.request, answer.url = 302, asked, asked.url
    answer.headers["Location"] = f"http://127.0.0.1:{listener.port}/secret"
    assert session.get_redirect_target(answer) is None
    assert list(session.resolve_redirects(answer, asked)) == []
    session.close()
    assert listener.silent()
    assert listener.came == 0
