"""A total time for connections to strangers: a trickle, silence and dead addresses end with it."""

import socket
import time

import pytest

from lib.adapters.outbound import fetch, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound import ssrf_matrix
from tests.adapters.outbound.test_url_policy import host

PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"


@pytest.fixture
def local():
    session = sessions.guarded_session(allow_loopback_http=True)
    yield fetch.Fetcher(session, allow_loopback_http=True, now=time.monotonic, sleep=lambda _: None)
    session.close()


def refusal(fetcher, url, limit_bytes=1000):
    with pytest.raises(ApiError) as refused:
        fetcher.get(url, limit_bytes=limit_bytes, param="first_frame")
    return refused.value.message


@pytest.mark.parametrize(
    "slow",
    [
        (PICTURE[:20], *[0.05, b"a"] * 60),
        (PICTURE + b"Content-Length: 900\r\n\r\n", *[0.05, b"a"] * 60),
        (PICTURE + b"\r\n", *[0.05, b"a"] * 60),
        (PICTURE + b"Transfer-Encoding: chunked\r\n\r\n", *[0.05, b"1\r\na\r\n"] * 60),
    ],
    ids=["headers", "body", "body without length", "chunks"],
)
def test_a_host_that_trickles_is_cut_after_a_total_time(local, monkeypatch, slow):
    monkeypatch.setattr(fetch, "FRAME_S", 0.4)
    with host(*slow) as (url, _):
        began = time.monotonic()
        assert "it took too long" in refusal(local, url)
        assert time.monotonic() - began < 2


def test_a_post_that_nobody_answers_ends_in_time(local):
    with host(1.0) as (url, _):
        began = time.monotonic()
        with pytest.raises(fetch.FetchFailed, match=r"too long|not answer"):
            local.post(url, b"{}", {}, total_s=0.3)
        assert time.monotonic() - began < 0.9


def test_a_name_with_many_dead_addresses_costs_no_more_than_its_time(monkeypatch):
    monkeypatch.setattr(url_policy, "public", lambda _address: True)
    dialled = []

    def resolve(_host, port, **_more):
        return [ssrf_matrix._answer(f"127.0.0.{n}", port) for n in range(1, 200)]

    class Silent(socket.socket):
        def connect(self, place):
            dialled.append(place)
            time.sleep(min(self.gettimeout(), 0.2))
            raise TimeoutError

    monkeypatch.setattr(socket, "socket", Silent)
    session = sessions.guarded_session(allow_loopback_http=False, resolve=resolve)
    fetcher = fetch.Fetcher(
        session, allow_loopback_http=False, now=lambda: 0.0, sleep=lambda _: None
    )
    monkeypatch.setattr(fetch, "FRAME_S", 0.5)
    began = time.monotonic()
    assert "too long" in refusal(fetcher, "https://many.example.com/")
    assert time.monotonic() - began < 1.5
    assert len(dialled) <= 4
    session.close()
