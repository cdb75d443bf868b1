"""Safe fetching: no spelling of a private address gets a connection."""

import contextlib
import time

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters.outbound import fetch, url_policy
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound.test_url_policy import host

SPELLINGS = [
    "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0177.0.0.1/", "https://0x7f.1/", "https://017700000001/", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/", "https://[::]/", "https://0.0.0.0/", "https://0/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/",
    "https://169.254.169.254/", "https://[fe80::1]/", "https://[fd00::1]/", "https://[ff02::1]/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://192.0.2.1/", "https://198.18.0.1/",
    "https://[2001:db8::1]/", "https://localhost/", "https://localhost./", "https://metadata/",
    "https://metadata.google.internal/", "https://printer.local/", "https://a@127.0.0.1/",
    "https://example.com@127.0.0.1/", "http://example.com/", "ftp://example.com/",
    "file:///etc/passwd", "gopher://127.0.0.1/", "//example.com/a", "https:///a",
    "https://example.com:22/", "https://example.com:99999/", "https://[::1", "javascript:alert(1)",
]  # fmt: skip


@pytest.fixture
def fetcher():
    session = sessions.guarded_session(allow_loopback_http=False)
    yield fetch.Fetcher(session, allow_loopback_http=False, now=lambda: 0.0, sleep=lambda _: None)
    session.close()


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_private_spelling_is_fetched(fetcher, url):
    with pytest.raises(ApiError) as refused:
        fetcher.get(url, limit_bytes=10, param="first_frame")
    assert refused.value.param == "first_frame"
    assert "could not be used" in refused.value.message


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_judged_alike(address):
    allowed = url_policy.public(str(address))
    assert url_policy.public(str(int(address))) is allowed
    assert url_policy.public(hex(int(address))) is allowed
    assert url_policy.public(f"::ffff:{address}") is allowed


def test_a_film_or_frame_is_limited_while_it_streams(world):
    world.bucket.blob("big").upload_from_string(b"x" * 5000, content_type="image/png")
    url = world.context.artifacts.link("big").url
    assert len(world.context.fetch.get(url, limit_bytes=5000, param="p")) == 5000
    with pytest.raises(ApiError, match="larger than 4999"):
        world.context.fetch.get(url, limit_bytes=4999, param="p")


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.builds("http{}://{}".format, st.sampled_from(["", "s"]), st.text(max_size=60)),
        st.builds("https://films.example:{}/{}".format, st.text(max_size=6), st.text(max_size=9)),
    )
)
def test_no_link_however_odd_is_more_than_refused(text):
    session = requests.Session()
    fetcher = fetch.Fetcher(
        session, allow_loopback_http=True, now=lambda: 0.0, sleep=lambda _: None
    )
    for link in (text, url_policy.upgraded(text, allow_loopback_http=True)):
        with contextlib.suppress(fetch.LinkRefused):
            fetcher.judge(link)


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("http://films.example/a?b=c", "https://films.example/a?b=c"),
        ("HTTP://films.example:80/a", "https://films.example/a"),
        ("http://127.0.0.1:9002/a", "http://127.0.0.1:9002/a"),
        ("https://films.example/a", "https://films.example/a"),
        ("ftp://films.example/a", "ftp://films.example/a"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_an_http_link_is_upgraded_but_for_this_machines(link, becomes):
    assert url_policy.upgraded(link, allow_loopback_http=True) == becomes
    if "127" in link:
        assert url_policy.upgraded(link, allow_loopback_http=False) == link.replace(
            "http:", "https:"
        )


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
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "no picture (text)"),
        (PICTURE + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b", "compressed"),
        (PICTURE + b"Content-Length: 1001\r\n\r\n", "larger than 1000 bytes"),
        (PICTURE + b"\r\n" + b"a" * 1001, "larger than 1000 bytes"),
        (PICTURE + b"Content-Length: 100\r\n\r\nabc", "the connection broke"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: /a.png\r\nContent-Length: 0\r\n\r\n", "more than 3"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n", "no link"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\n\r\n", "not https"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\n\r\n", "not a public name"),
        (b"this is no HTTP\r\n\r\n", "does not answer"),
    ],
)  # fmt: skip
def test_what_a_host_answers_is_judged_before_it_is_kept(local, answer, reason):
    with host(answer) as (url, _):
        assert reason in refusal(local, url)


def test_no_cookie_of_one_caller_reaches_another(local):
    with host(PICTURE + b"Set-Cookie: who=me\r\nContent-Length: 1\r\n\r\na") as (url, heard):
        for _ in range(2):
            assert local.get(url, limit_bytes=9, param="p") == b"a"
        assert b"Cookie" not in b"".join(heard)


def test_a_post_is_sent_once_follows_nothing_and_keeps_little(local):
    far = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n" + b"b" * 9999
    with host(far) as (url, heard):
        answer = local.post(url, b"{}", {"Content-Type": "application/json"}, total_s=2.0)
        assert answer.status == 307
        assert answer.body == b"b" * fetch.ANSWER_AT_MOST
        assert len(heard) == 1
