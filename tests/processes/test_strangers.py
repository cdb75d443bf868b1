"""A hundred slow strangers at once against the real framework: each is closed, no owner is kept waiting."""

import contextlib
import socket

import pytest

from lib.web import worker
from tests.bench import strangers

STRANGERS = 100  # the service has 8 threads


@pytest.fixture(scope="module")
def running():
    with strangers.running() as (service, headers):
        yield service, headers


def test_every_stranger_is_answered_or_closed_and_every_keyed_call_is_answered(running):
    service, headers = running
    counts = strangers.Counts()
    with strangers.SlowStrangers(service.ports.api, STRANGERS, counts, again=False) as present:
        strangers.timed(lambda: strangers.create(service, headers), 3, counts)
        strangers.timed(lambda: strangers.health(service), 20, counts)
        present.wait_for_all()
    assert counts.strangers == STRANGERS
    assert counts.answered + counts.closed == STRANGERS
    assert counts.answered >= STRANGERS // 2  # forms and bodies are told why
    assert set(counts.statuses) == {200, 202}


def test_heads_that_never_end_hold_no_thread(running):
    service, headers = running
    begun = b"GET /v1/videos HTTP/1.1\r\nHost: localhost\r\nX-A"
    with contextlib.ExitStack() as opened:
        heads = []
        for _ in range(STRANGERS):
            head = socket.create_connection(("127.0.0.1", service.ports.api), strangers.PATIENCE_S)
            heads.append(opened.enter_context(head))
            head.sendall(begun)
        assert strangers.health(service) == 200
        assert strangers.create(service, headers) == 202
        for head in heads:
            # What was sent is not read: the end may be a reset.
            with contextlib.suppress(ConnectionResetError):
                assert head.recv(1 << 12) == b""


def test_more_heads_than_may_wait_leave_room_for_callers(running):
    service, headers = running
    with contextlib.ExitStack() as opened:
        for _ in range(worker.WAITING_AT_MOST + STRANGERS):
            head = socket.create_connection(("127.0.0.1", service.ports.api), strangers.PATIENCE_S)
            opened.enter_context(head).sendall(b"GET / HTTP/1.1\r\nX")
        assert strangers.health(service) == 200
        assert strangers.create(service, headers) == 202


def test_a_head_in_two_pieces_is_read(running):
    service, _ = running
    address = ("127.0.0.1", service.ports.api)
    with socket.create_connection(address, strangers.PATIENCE_S) as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: local")
        assert strangers.health(service) == 200  # who came before this call has been seen
        caller.sendall(b"host\r\nConnection: close\r\n\r\n")
        assert caller.recv(1 << 12).startswith(b"HTTP/1.1 200 ")


def test_an_honest_caller_who_is_slow_to_begin_outlasts_many_strangers(running):
    service, _ = running
    address = ("127.0.0.1", service.ports.api)
    with contextlib.ExitStack() as opened:
        caller = opened.enter_context(socket.create_connection(address, strangers.PATIENCE_S))
        for _ in range(STRANGERS):
            head = socket.create_connection(address, strangers.PATIENCE_S)
            opened.enter_context(head).sendall(b"GET / HTTP/1.1\r\nX")
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert caller.recv(1 << 12).startswith(b"HTTP/1.1 200 ")


def test_requests_that_come_at_once_on_one_connection_are_all_answered(running):
    """What the server has read ahead is a head, too."""
    service, _ = running
    one = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
    with socket.create_connection(("127.0.0.1", service.ports.api), strangers.PATIENCE_S) as caller:
        caller.sendall((one + b"\r\n") * 4 + one + b"Connection: close\r\n\r\n")
        with caller.makefile("rb") as answers:
            assert answers.read().count(b"HTTP/1.1 200 ") == 5
