"""Safe fetching: nobody inside is reached, and nobody outside holds a thread or fills the memory."""

import contextlib
import ipaddress
import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters.outbound import fetch, redirects, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound import ssrf_matrix

PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


@pytest.fixture
def listener():
    with ssrf_matrix.Listener() as listening:
        yield listening


@pytest.fixture(scope="module")
def rows():
    return ssrf_matrix.matrix()


def test_no_spelling_by_no_way_reaches_anybody(rows):
    assert len(ssrf_matrix.SPELLINGS) >= 40
    assert [row for row in rows if not row.held] == []
    assert sum(row.came for row in rows) == 0


def test_the_name_that_changes_is_dialled_where_it_was_judged_and_nowhere_else(rows):
    dialled = {place for row in rows for place in row.connected}
    assert dialled == {ssrf_matrix.PUBLIC}


def test_reasons_name_the_rule_and_never_the_link(rows):
    for row in rows:
        assert "127" not in row.reason
        assert "example" not in row.reason


def test_without_the_address_judgement_the_listener_is_reached(listener, monkeypatch):
    monkeypatch.setattr(url_policy, "public", lambda _address: True)
    leaked = [row for row in _again(listener) if not row.held]
    assert sum(row.came for row in leaked) > 50
    assert {"DNS to loopback", "decimal", "IPv4-mapped"} <= {row.name for row in leaked}


def test_without_the_judgement_of_links_only_addresses_stand_between(listener, monkeypatch):
    monkeypatch.setattr(redirects, "judge", lambda url, **_more: url)
    leaked = {row.name for row in _again(listener) if not row.held}
    assert "ssh's port" in leaked  # dialled a port that nobody allowed


def test_without_pinning_a_name_that_changes_its_mind_gets_in(listener, monkeypatch):
    def naive(host, port, allowed, resolve):
        if not all(allowed(answer[4][0]) for answer in resolve(host, port)):
            raise sessions.NotPublic
        return socket.create_connection(resolve(host, port)[0][4][:2], timeout=3)

    monkeypatch.setattr(sessions, "_connected", naive)
    leaked = [row for row in _again(listener) if not row.held]
    assert {row.name for row in leaked} == {"DNS that changes"}
    assert sum(row.came for row in leaked) >= 1


def _again(listener):
    return [ssrf_matrix.run(listener, row) for row in ssrf_matrix.tries(listener)]


@settings(deadline=None)
@given(st.ip_addresses())
def test_nothing_special_is_public(address):
    """IANA's special-purpose registries, as this Python knows them, are a lower bound."""
    if url_policy.public(str(address)):
        inner = getattr(address, "ipv4_mapped", None) or address
        if inner.version == 6 and inner in url_policy.NAT64:
            inner = ipaddress.ip_address(int(inner) & 0xFFFFFFFF)
        assert inner.is_global
        assert not inner.is_multicast
        assert not inner.is_private


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_judged_or_refused_and_a_judged_link_is_judged_alike_again(text):
    with contextlib.suppress(url_policy.BadLink):
        once = url_policy.judge(f"https://{text}")
        assert url_policy.judge(once) == once


def test_an_international_name_is_asked_for_in_its_ascii_form():
    assert url_policy.judge("https://Bücher.example/ä.png?q=1#part") == (
        "https://xn--bcher-kva.example/ä.png?q=1"
    )


# Hosts that misbehave, on this machine over plain http: the local mode, and nothing else relaxed.


@contextlib.contextmanager
def host(*talk):
    """A host that says these pieces to everybody, with pauses where a number stands."""
    heard = []

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            heard.append(connection.recv(1 << 16))
            for piece in talk:
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                else:
                    time.sleep(piece)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=[listening.accept()[0]]))
                threads[-1].start()

    listening = socket.create_server(("127.0.0.1", 0))
    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/a.png", heard
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        listening.close()


@pytest.fixture
def local():
    session = sessions.guarded_session(allow_loopback_http=True)
    yield fetch.Fetcher(session, allow_loopback_http=True, now=time.monotonic, sleep=lambda _: None)
    session.close()


def refusal(fetcher, url, limit_bytes=1000):
    with pytest.raises(ApiError) as refused:
        fetcher.get(url, limit_bytes=limit_bytes, param="first_frame")
    return refused.value.message


def test_the_local_mode_says_what_it_allows_and_the_other_does_not(local):
    assert "runs locally" in refusal(local, "ftp://a.example/")
    session = sessions.guarded_session(allow_loopback_http=False)
    strict = fetch.Fetcher(
        session, allow_loopback_http=False, now=lambda: 0.0, sleep=lambda _: None
    )
    assert "local" not in refusal(strict, "ftp://a.example/")
    with host(PICTURE) as (url, heard):
        assert "not https" in refusal(strict, url)
        assert heard == []
    session.close()


def test_plain_http_reaches_this_machine_alone_even_by_a_name_that_lies(listener):
    session = sessions.guarded_session(
        allow_loopback_http=True,
        resolve=lambda _host, port, **_: [ssrf_matrix._answer(ssrf_matrix.PUBLIC, port)],
    )
    fetcher = fetch.Fetcher(
        session, allow_loopback_http=True, now=lambda: 0.0, sleep=lambda _: None
    )
    assert "not a public address" in refusal(fetcher, f"http://localhost:{listener.port}/")
    session.close()
