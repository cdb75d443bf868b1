"""What strangers send in heads, do not read, or keep open: no thread is held, by the real process."""

import contextlib
import json
import socket

import pytest
import requests

from lib.web import worker
from tests.bench import strangers

STRANGERS = 20  # the service has 8 threads
MANY = 100
LONG = b"GET /health?" + b"a" * 100_000
FIELDS = b"".join(b"X%d: %s\r\n" % (number, b"y" * 4000) for number in range(50))
BEGUN = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"
MALFORMED = {
    "no request line": (b"X\r\n\r\n", 400),
    "two empty lines": (b"\r\n\r\n", 400),
    "a header without a colon": (BEGUN + b"Nothing\r\n\r\n", 400),
    "a length and chunks": (
        BEGUN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "300 headers": (BEGUN + b"".join(b"X%d: y\r\n" % n for n in range(300)) + b"\r\n", 431),
    "an unknown expectation": (BEGUN + b"Expect: tea\r\n\r\n", 417),
    "an unknown coding": (BEGUN + b"Transfer-Encoding: tea\r\n\r\n", 501),
}


@pytest.fixture(scope="module")
def running():
    with strangers.running() as (service, headers):
        yield service, headers


def connected(port, opened, window=None):
    sender = opened.enter_context(socket.socket())
    if window is not None:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sender.settimeout(strangers.PATIENCE_S)
    sender.connect(("127.0.0.1", port))
    return sender


def read_all(sender):
    """What comes until the other side ends the connection."""
    with sender.makefile("rb") as answers:
        return answers.read()


def exchange(port, sent):
    with contextlib.ExitStack() as opened:
        caller = connected(port, opened)
        caller.sendall(sent)
        return read_all(caller)


def is_problem(answer, status):
    head, _, body = answer.partition(b"\r\n\r\n")
    document = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    assert document["status"] == status
    assert document["error"]["message"] == document["detail"]


@pytest.mark.parametrize("target", ["api", "poll"])
@pytest.mark.parametrize("head", [LONG, BEGUN + FIELDS], ids=["a long address", "long headers"])
def test_long_heads_without_an_end_hold_no_thread(running, target, head):
    service, _ = running
    port = getattr(service.ports, target)
    with contextlib.ExitStack() as opened:
        senders = [connected(port, opened) for _ in range(STRANGERS)]
        for sender in senders:
            sender.sendall(head)
        assert exchange(port, BEGUN + CLOSE).startswith(b"HTTP/1.1 ")
        for sender in senders:
            is_problem(read_all(sender), 431)


def test_an_address_of_many_bytes_is_refused_before_it_is_parsed(running):
    service, _ = running
    is_problem(
        exchange(service.ports.api, b"GET /?" + b"a" * (8 << 20) + b" HTTP/1.1\r\n" + CLOSE), 431
    )


def test_the_largest_head_is_read(running):
    service, _ = running
    field = b"X: " + b"y" * 8000 + b"\r\n"
    head = BEGUN + field * ((worker.HEAD_AT_MOST - 200) // len(field)) + CLOSE
    assert exchange(service.ports.api, head).startswith(b"HTTP/1.1 200 ")


def test_answers_that_nobody_reads_hold_no_thread(running):
    service, headers = running
    with contextlib.ExitStack() as opened:
        for _ in range(STRANGERS):
            sender = connected(service.ports.api, opened, window=4096)
            sender.sendall(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400)
        # Many calls, since the system takes the first answers.
        for _ in range(400):
            assert strangers.health(service) == 200
        assert strangers.create(service, headers) == 202


def test_whoever_reads_late_gets_every_answer_whole(running):
    service, _ = running
    count, one = 100, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n"
    with contextlib.ExitStack() as opened:
        caller = connected(service.ports.api, opened, window=4096)
        caller.sendall((one + b"\r\n") * (count - 1) + one + CLOSE)
        assert strangers.health(service) == 200
        came = read_all(caller)
    document = requests.get(f"{service.url}/openapi.json", timeout=strangers.PATIENCE_S).content
    assert came.count(b"HTTP/1.1 200 ") == count
    assert came.count(document) == count


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_requests_are_told_so_and_hold_nothing_afterwards(running, kind):
    service, _ = running
    sent, status = MALFORMED[kind]
    with contextlib.ExitStack() as opened:
        senders = [connected(service.ports.api, opened) for _ in range(MANY)]
        for sender in senders:
            sender.sendall(sent)
        assert strangers.health(service) == 200
        for sender in senders:
            is_problem(read_all(sender), status)
        # They have read the end, and keep their sides open.
        assert strangers.health(service) == 200


def test_an_empty_line_after_a_good_request_holds_no_thread(running):
    service, headers = running
    with contextlib.ExitStack() as opened:
        for _ in range(MANY):
            connected(service.ports.api, opened).sendall(BEGUN + b"\r\n\r\n")
        assert strangers.health(service) == 200
        assert strangers.create(service, headers) == 202


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO"])
@pytest.mark.parametrize("value", ["/evil", "/v1", "/health"])
def test_no_header_moves_the_paths(running, name, value):
    service, _ = running
    moved = exchange(service.ports.api, BEGUN + f"{name}: {value}\r\n".encode() + CLOSE)
    assert moved.startswith(b"HTTP/1.1 200 ")
    listed = b"GET /v1/videos HTTP/1.1\r\nHost: localhost\r\n"
    moved = exchange(service.ports.api, listed + f"{name}: {value}\r\n".encode() + CLOSE)
    assert moved.startswith(b"HTTP/1.1 401 ")


def test_an_honest_connection_is_kept_for_bodies_chunks_and_heads(running):
    service, headers = running
    key = f"Authorization: {headers['Authorization']}\r\n".encode()
    post = (
        b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + key
    )
    with contextlib.ExitStack() as opened:
        caller = connected(service.ports.api, opened)
        answers = opened.enter_context(caller.makefile("rb"))
        for sent in (
            post + b"Content-Length: 2\r\n\r\n{}",
            post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ):
            caller.sendall(sent)
            assert answered(answers) == 400  # frames are missing
        caller.sendall(post + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert answers.readline() == b"\r\n"
        caller.sendall(b"{}")
        assert answered(answers) == 400
        caller.sendall(BEGUN.replace(b"GET", b"HEAD") + b"\r\n")
        assert answered(answers, has_body=False) == 200
        caller.sendall(BEGUN.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
        assert answered(answers) == 200
        assert answers.read() == b""


def answered(answers, *, has_body=True):
    """Read one answer; its status."""
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if has_body:
        assert len(answers.read(length)) == length > 0
    return status
