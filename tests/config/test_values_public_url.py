"""PUBLIC_URL: our own address as callers write it, or a sentence that says what it is not."""

import pytest

from lib.config import ConfigError
from lib.config.values import public_url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("  ", None),
        ("https://films.example.com", "https://films.example.com"),
        (" https://Films.Example.com ", "https://films.example.com"),
        ("https://films.example.com:443", "https://films.example.com"),
        (
            "https://films.example.com:8443/a/b-c_d.e~f",
            "https://films.example.com:8443/a/b-c_d.e~f",
        ),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        (
            "https://asia-east1-p.cloudfunctions.net/api",
            "https://asia-east1-p.cloudfunctions.net/api",
        ),
        ("https://203.0.113.7", "https://203.0.113.7"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:80/films", "http://127.0.0.1/films"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_kept_in_one_spelling(text, found):
    assert public_url({"PUBLIC_URL": text}) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("films.example.com", "does not begin with https"),
        ("http://films.example.com", "does not begin with https"),
        ("http://127.0.0.1.evil.example", "does not begin with https"),
        ("ftp://films.example.com", "does not begin with https"),
        ("https://", "host is no name"),
        ("https:///films", "host is no name"),
        ("https://bücher.example", "host is no name"),
        ("https://a_b.example", "host is no name"),
        ("https://films.example.com.", "host is no name"),
        ("https://films example.com", "host is no name"),
        ("https://films.example.com/", "ends with a slash"),
        ("https://films.example.com/films/", "ends with a slash"),
        ("https://films.example.com?a=b", "query or a fragment"),
        ("https://films.example.com/?", "query or a fragment"),
        ("https://films.example.com#a", "query or a fragment"),
        ("https://films.example.com//films", "path is not plain"),
        ("https://films.example.com/../films", "path is not plain"),
        ("https://films.example.com/./films", "path is not plain"),
        ("https://films.example.com/..", "path is not plain"),
        ("https://films.example.com/a%2Fb", "path is not plain"),
        ("https://films.example.com/<b>", "path is not plain"),
        ("https://films.example.com:99999", "no address"),
        ("https://films.example.com:a", "no address"),
        ("https://[::1", "no address"),
    ],
)
def test_what_is_none_is_refused_by_name(text, says):
    with pytest.raises(ConfigError, match=r"^PUBLIC_URL is ") as refused:
        public_url({"PUBLIC_URL": text})
    assert says in str(refused.value)
    assert "https://films.example.com or https://example.com/films" in str(refused.value)


def test_a_password_is_not_repeated():
    with pytest.raises(ConfigError, match=r"^PUBLIC_URL holds an @") as refused:
        public_url({"PUBLIC_URL": "https://me:hush@films.example.com"})
    assert "hush" not in str(refused.value)
