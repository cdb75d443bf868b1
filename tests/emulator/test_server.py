"""What only a real connection shows: cuts in the middle of a body, odd targets, many at once."""

import http.client
import json
import socket
import time

import pytest

from lib.emulator.callers import Callers
from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp

QUANTUM = 256 * 1024


@pytest.fixture
def server():
    app = StorageApp(Clock())
    app.create_bucket("home")
    with Server(app, callers=Callers(hosts=("x", "films.example"))) as running:
        running.app = app
        yield running


def call(server, method, path, body=b"", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    connection.request(method, path, body, names)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def cut(server, path, length, sent, content_range):
    """Declare a body, send a part of it, and go away."""
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        f"Content-Range: {content_range}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(head.encode() + sent)
    time.sleep(0.3)


def test_an_upload_goes_on_where_the_connection_broke(server):
    answer, _ = call(server, "POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=film")
    path = answer.headers["Location"].removeprefix(server.url)
    data = bytes(range(256)) * 1024 * 4  # 1 MiB
    cut(server, path, len(data), data[: 2 * QUANTUM + 1000], f"bytes 0-{len(data) - 1}/{len(data)}")
    answer, _ = call(server, "PUT", path, Content_Range=f"bytes */{len(data)}")
    assert answer.status == 308
    assert answer.headers["Range"] == f"bytes=0-{2 * QUANTUM - 1}"
    rest = {"Content_Range": f"bytes {2 * QUANTUM}-{len(data) - 1}/{len(data)}"}
    answer, body = call(server, "PUT", path, data[2 * QUANTUM :], **rest)
    assert answer.status == 200
    assert json.loads(body)["size"] == str(len(data))
    assert call(server, "GET", "/storage/v1/b/home/o/film?alt=media")[1] == data


def test_an_upload_in_one_request_that_breaks_leaves_nothing(server, capsys):
    head = (
        "POST /upload/storage/v1/b/home/o?uploadType=media&name=film HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 1000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(head.encode() + b"x" * 500)
    time.sleep(0.3)
    assert call(server, "GET", "/storage/v1/b/home/o/film")[0].status == 404
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 100_000])
def test_a_chunked_body(server, body):
    path = "/upload/storage/v1/b/home/o?uploadType=media&name=film"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    pieces = iter([body[:10], body[10:]] if body else [])
    connection.request(
        "POST", path, pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert call(server, "GET", "/storage/v1/b/home/o/film?alt=media")[1] == body


@pytest.mark.parametrize(
    "name", ["a%2F%2Fb", "..%2Fx", "a%2F.%2Fb", "%252F", "x%2Facl", "%F0%9F%8E%AC"]
)
def test_an_encoded_name_arrives_as_it_was_sent(server, name):
    path = f"/upload/storage/v1/b/home/o?uploadType=media&name={name}"
    assert call(server, "POST", path, b"x")[0].status == 200
    answer, body = call(server, "GET", f"/storage/v1/b/home/o/{name}?fields=selfLink")
    assert answer.status == 200
    assert json.loads(body)["selfLink"].endswith(name)


def test_links_point_to_the_host_that_was_asked(server):
    call(server, "POST", "/upload/storage/v1/b/home/o?uploadType=media&name=x", b"x")
    _, body = call(server, "GET", "/storage/v1/b/home/o/x", Host="films.example:8080")
    assert json.loads(body)["mediaLink"].startswith("http://films.example:8080/download/")


def test_an_idle_connection_does_not_hold_others_up(server):
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
    assert call(server, "GET", "/storage/v1/b/home")[0].status == 200
    for one in idle:
        one.close()
