"""Memory for bodies: reserved in order, released whatever happens, refused in time."""

import contextlib
import io
import socket
import threading

import pytest
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.flows.memory import BODIES_AT_MOST, MemoryBudget
from lib.web import intake

MB = 1 << 20


def request(length, kind="application/json", came=None, **headers):
    builder = EnvironBuilder(method="POST", headers={"Content-Type": kind, **headers})
    environ = builder.get_environ()
    environ["wsgi.input"] = io.BytesIO(bytes((length or 0) if came is None else came))
    environ.pop("CONTENT_LENGTH", None)
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return Request(environ)


def taken(room):
    return room._used


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request(None), 0),
        (request(1000), 0),
        (request(256 << 10), 0),
        (request(MB), 3 * MB),
        (request(MB, "multipart/form-data; boundary=a"), 2 * MB),
        (request(32 * MB), BODIES_AT_MOST),
        (request(33 * MB, came=0), 0),  # refused unread
        (request(None, came=0, **{"Transfer-Encoding": "chunked"}), 0),
        (request(None, came=32 * MB, **{"Transfer-Encoding": "chunked"}), BODIES_AT_MOST),
        (request(1000, **{"Content-Encoding": "gzip"}), 3 * MB),  # what it may become
        (request(MB, **{"Content-Encoding": "gzip"}), BODIES_AT_MOST),
        (request(1000, **{"Content-Encoding": "x"}), 0),
    ],
)
def test_a_body_takes_what_its_parsing_takes(asked, expected):
    room = MemoryBudget(BODIES_AT_MOST)
    with intake.admitted(room, asked, 32 * MB) as body:
        assert taken(room) == 0  # an announcement costs nothing
        while body.read(MB):
            pass
        assert taken(room) == expected
    assert taken(room) == 0


def test_a_busy_instance_says_so_in_both_dialects_and_starts_nothing(world, monkeypatch):
    monkeypatch.setattr(world.context.body_memory, "_wait_s", 0.01)
    with world.context.body_memory.held(BODIES_AT_MOST):
        answer = world.client.post("/v1/videos", data=bytes(MB), content_type="application/json")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "20"
        assert answer.get_json()["error"]["code"] == "overloaded"
        assert answer.get_json()["error"]["retryable"] is True
        compat = world.client.post(
            "/api/v1/services/aigc/image2video/video-synthesis",
            data=bytes(MB),
            content_type="application/json",
            headers={"X-DashScope-Async": "enable"},  # refused before its body without it
        )
        assert compat.status_code == 503
        assert compat.get_json()["code"] == "ServiceUnavailable"
        assert world.client.get("/v1/models").status_code == 200
    assert world.names("pending/") == []


def test_links_have_a_room_of_their_own(world, monkeypatch):
    monkeypatch.setattr(world.context.fetch_memory, "_wait_s", 0.01)
    name = f"gs://{world.config.bucket}/uploads/local/upl_1.png"
    order = {"first_frame": name, "last_frame": name, "prompt": "rain"}
    with world.context.fetch_memory.held(50 * MB):
        assert world.client.post("/v1/videos", json=order).status_code == 503
    assert world.client.post("/v1/videos", json=order).status_code == 400


def test_a_refused_body_is_read_to_its_end_when_its_end_is_known():
    for known in (True, False):
        source = io.BytesIO(bytes(3 * MB))
        environ = {"wsgi.input": source, "wsgi.input_terminated": known}
        intake.drain(Request({**EnvironBuilder().get_environ(), **environ}))
        assert source.tell() == (3 * MB if known else 0)


@contextlib.contextmanager
def served(app):
    server = make_server("127.0.0.1", 0, Request.application(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def slow_post(port, path="/v1/videos", length=5_000_000, kind="application/json"):
    """A connection that has sent the head of a request and one byte of its body."""
    sender = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    sender.sendall(f"{head}Content-Length: {length}\r\n\r\n{{".encode())
    return sender


def answer_to(sender):
    with sender.makefile("rb") as answer:
        return answer.read()  # to the end of the connection


def test_a_known_callers_body_has_a_time_by_which_it_must_have_come(world, monkeypatch):
    monkeypatch.setattr(intake, "ARRIVAL_S", 0.2)
    monkeypatch.setattr(intake, "SLOWEST_BYTES_PER_S", 1 << 30)
    with served(world.instance().api) as port, slow_post(port) as sender:
        answer = answer_to(sender)
    assert answer.split()[1] == b"400"
    assert b"did not arrive" in answer
    assert taken(world.context.body_memory) == 0


def test_a_trickle_does_not_extend_it(world, monkeypatch):
    monkeypatch.setattr(intake, "ARRIVAL_S", 1.0)
    monkeypatch.setattr(intake, "SLOWEST_BYTES_PER_S", 1 << 30)
    with served(world.instance().api) as port, slow_post(port) as sender:
        ended = threading.Event()

        def trickle():
            while not ended.wait(0.05):
                with contextlib.suppress(OSError):
                    sender.sendall(b" ")

        feeding = threading.Thread(target=trickle)
        feeding.start()
        answer = answer_to(sender)
        ended.set()
        feeding.join()
    assert answer.split()[1] == b"400"
