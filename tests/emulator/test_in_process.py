"""The transport without a socket: what an app is given, and how it cuts a connection."""

import pytest
import requests

from lib.emulator.body import Dropped
from lib.emulator.faults import cut_after
from lib.emulator.in_process import InProcess

URL = "http://app.test"


@pytest.fixture
def web():
    return requests.Session()


def serve(web, app):
    web.mount(URL, InProcess(app))


def echo(seen):
    def app(environ, start_response):
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("200 Fine", [("Content-Length", "2")])
        return [b"o", b"k"]

    return app


def test_the_target_arrives_as_it_was_sent(web):
    seen = {}
    serve(web, echo(seen))
    answer = web.get(f"{URL}/a%2Fb//c?x=%20", headers={"X-Name": "ü".encode("latin-1")})
    assert (answer.status_code, answer.reason, answer.content) == (200, "Fine", b"ok")
    assert seen["REQUEST_URI"] == "/a%2Fb//c?x=%20"
    assert seen["PATH_INFO"] == "/a/b//c"
    assert seen["HTTP_HOST"] == "app.test"
    assert seen["HTTP_X_NAME"] == "ü"


@pytest.mark.parametrize(
    "body",
    [None, b"bytes", "text", iter([b"by", b"tes"])],
    ids=["none", "bytes", "text", "iterator"],
)
def test_every_kind_of_body_is_sent_with_its_length(web, body):
    seen = {}
    serve(web, echo(seen))
    web.post(URL, data=body, headers={"Content-Type": "text/plain"})
    assert int(seen["CONTENT_LENGTH"]) == len(seen["body"])
    assert seen["CONTENT_TYPE"] == "text/plain"


def test_a_cut_before_the_answer(web):
    def app(_environ, _start_response):
        raise Dropped("gone")

    serve(web, app)
    with pytest.raises(requests.ConnectionError, match="gone"):
        web.get(URL)


@pytest.mark.parametrize("options", [((True,), {}), ((), {"stream": True})], ids=["place", "name"])
def test_a_cut_inside_the_body_is_seen_while_it_is_read(options):
    def app(_environ, start_response):
        start_response("200 OK", [("Content-Length", "10")])
        return cut_after(b"half", "gone")

    request = requests.Request("GET", URL).prepare()
    by_place, by_name = options
    answer = InProcess(app).send(request, *by_place, **by_name)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = answer.content
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        InProcess(app).send(request)
