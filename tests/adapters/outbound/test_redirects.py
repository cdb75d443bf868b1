"""Redirects of strangers: followed by hand, a few, each judged; their bodies are not read."""

import base64
import time

import pytest

from lib.adapters.outbound import fetch
from lib.adapters.outbound import session as sessions
from lib.core.errors import ApiError
from tests.adapters.outbound.test_url_policy import host
from tests.web.test_bad_input import refused
from tests.world import picture


@pytest.fixture
def local():
    session = sessions.guarded_session(allow_loopback_http=True)
    yield fetch.Fetcher(session, allow_loopback_http=True, now=time.monotonic, sleep=lambda _: None)
    session.close()


def refusal(fetcher, url, limit_bytes=1000):
    with pytest.raises(ApiError) as refused:
        fetcher.get(url, limit_bytes=limit_bytes, param="first_frame")
    return refused.value.message


def test_the_body_of_a_redirect_is_not_read(local):
    endless = b"HTTP/1.1 302 Found\r\nLocation: ftp://a.example/\r\nContent-Length: 9999999\r\n\r\n"
    with host(endless, 0.2) as (url, _):
        assert "not https" in refusal(local, url)


GOOD = picture()


URI = "data:image/png;base64," + base64.b64encode(GOOD).decode()


BASE = {"first_frame": URI, "last_frame": URI, "prompt": "rain"}


def test_a_redirect_to_a_private_address_is_not_followed(world):
    world.bucket.blob("redirect").upload_from_string(b"x")
    from werkzeug.wrappers import Response  # one test needs it

    from lib.emulator.in_process import InProcess

    bounce = Response(status=302, headers={"Location": "https://169.254.169.254/latest"})
    world.context.fetch._session.mount("http://127.0.0.1:9009", InProcess(bounce))
    fields = {**BASE, "first_frame": "http://127.0.0.1:9009/a.png"}
    error = refused(
        world, world.client.post("/v1/videos", json=fields), 400, "invalid_frame", "public"
    )
    assert error["param"] == "first_frame"
