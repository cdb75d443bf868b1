"""Without keys only this machine calls: its names and its pages, and what was named besides."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.core.errors import ApiError
from lib.web.local_only import LocalOnly

OURS = ["localhost", "localhost:8080", "a.localhost", "127.0.0.1:80", "[::1]:8080", "LocalHost"]
FOREIGN = ["evil.example", "localhost.evil.example:80", "127.0.0.2", "127.0.0.1.nip.io", "[::2]"]


def call(host=None, origin=None):
    """A request as it comes in."""
    environ = EnvironBuilder().get_environ()
    environ.pop("HTTP_HOST", None)
    for name, value in (("HTTP_HOST", host), ("HTTP_ORIGIN", origin)):
        if value is not None:
            environ[name] = value
    return Request(environ)


@pytest.mark.parametrize("host", OURS)
def test_names_of_this_machine_pass(host):
    LocalOnly().check(call(host, f"http://{host}"))


def test_what_names_no_host_comes_from_no_browser():
    LocalOnly().check(call())


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused_until_it_is_named(host):
    with pytest.raises(ApiError) as refused:
        LocalOnly().check(call(host))
    assert refused.value.kind.status == 403
    assert "ALLOWED_HOSTS" in refused.value.message
    LocalOnly(hosts=(host.partition(":")[0] if "[" not in host else host,)).check(call(host))


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://[::1", "localhost"])
def test_a_foreign_page_is_refused_until_it_is_named(origin):
    with pytest.raises(ApiError, match="ALLOWED_ORIGINS"):
        LocalOnly().check(call("localhost", origin))
    LocalOnly(origins=(origin,)).check(call("localhost", origin))
    LocalOnly(origins=("*",)).check(call("localhost", origin))
