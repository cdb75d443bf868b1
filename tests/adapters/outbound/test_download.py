"""Films over real sockets: breaks, chunks and silence as a kernel tells them."""

import time

import pytest

from lib.adapters.outbound import fetch
from lib.adapters.outbound import session as sessions
from lib.emulator.body import Dropped
from lib.emulator.server import Server

BODY = bytes(range(256)) * 2000


class Host:
    """Serves `BODY` with ranges; the first answers break off after so many bytes."""

    def __init__(self, cuts, *, tag='"one"', declared=True):
        self.cuts, self.tag, self.declared, self.asked = cuts, tag, declared, []

    def __call__(self, environ, start_response):
        asked = environ.get("HTTP_RANGE", "")
        self.asked.append(asked)
        first = int(asked[6:-1]) if asked else 0
        body = BODY[first:]
        head = [("ETag", self.tag)] if self.tag else []
        if self.declared:
            head.append(("Content-Length", str(len(body))))
        if first:
            head.append(("Content-Range", f"bytes {first}-{len(BODY) - 1}/{len(BODY)}"))
        start_response("206 Partial Content" if first else "200 OK", head)
        return self._send(body, self.cuts.pop(0) if self.cuts else None)

    def _send(self, body, cut):
        for at in range(0, len(body), 10_000):
            if cut is not None and at >= cut:
                raise Dropped("cut by the test")
            yield body[at : at + 10_000]


@pytest.fixture
def fetcher():
    session = sessions.guarded_session(allow_loopback_http=True)
    yield fetch.Fetcher(session, allow_loopback_http=True, now=time.time, sleep=lambda _: None)
    session.close()


def read(fetcher, url):
    with fetcher.film(url, total_s=30) as download:
        return b"".join(download.chunks)


@pytest.mark.parametrize("declared", [True, False])
def test_a_connection_that_is_reset_is_resumed(fetcher, declared):
    host = Host([100_000, 30_000], declared=declared)
    with Server(host) as server:
        assert read(fetcher, f"{server.url}/film.mp4") == BODY
    assert len(host.asked) == 3
    assert all(asked.startswith("bytes=") for asked in host.asked[1:])


def test_without_a_validator_nothing_is_pieced_together(fetcher):
    host = Host([100_000], tag="")
    with Server(host) as server, pytest.raises(fetch.FetchFailed, match="connection broke"):
        read(fetcher, f"{server.url}/film.mp4")
    assert host.asked == [""]


class Trickle(Host):
    """Sends for ever, a little at a time."""

    def _send(self, body, _cut):
        while True:
            time.sleep(0.02)
            yield body[:9000]


def test_the_time_for_a_film_ends_though_bytes_trickle(fetcher):
    begun = time.monotonic()
    with Server(Trickle([], declared=False)) as server:
        link = f"{server.url}/film.mp4"
        with fetcher.film(link, total_s=0.5) as download, pytest.raises(fetch.FetchFailed) as left:
            list(download.chunks)
    assert str(left.value) == "it took longer than 0.5 s"
    assert time.monotonic() - begun < 15
