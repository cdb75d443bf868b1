"""Nothing that is sent waits for its reader, and no answer waits for ever."""

import queue
import socket
from types import SimpleNamespace

import pytest

from lib.web import sending
from lib.web.sending import Answers, Socket

SOON_S = 30.0
LARGE = bytes(range(256)) * (64 << 10)  # more than the system takes


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours = Socket.of(ours)
    yield SimpleNamespace(sock=ours), theirs
    ours.close()
    theirs.close()


def answers():
    ready, late = queue.SimpleQueue(), queue.SimpleQueue()
    return Answers(ready.put, late.put), ready, late


def read(theirs, count):
    with theirs.makefile("rb") as came:
        return came.read(count)


def test_a_small_answer_is_out_at_once(pair):
    conn, theirs = pair
    conn.sock.sendall(b"answer")
    assert conn.sock.send(b"s") == 1
    assert not conn.sock.unsent
    assert theirs.recv(100) == b"answers"


def test_what_nobody_takes_is_kept_and_its_order_too(pair):
    conn, theirs = pair
    conn.sock.sendall(LARGE)
    conn.sock.sendall(b"end")
    assert conn.sock.unsent.endswith(b"end")
    waiting, ready, _ = answers()
    waiting.wait_for(conn)
    assert read(theirs, len(LARGE) + 3) == LARGE + b"end"
    assert ready.get(timeout=SOON_S) is conn
    assert not conn.sock.unsent


def test_a_reader_who_takes_nothing_is_let_go(pair, monkeypatch):
    conn, _ = pair
    monkeypatch.setattr(sending, "SEND_S", 0.1)
    conn.sock.sendall(LARGE)
    waiting, _, late = answers()
    waiting.wait_for(conn)
    assert late.get(timeout=SOON_S) is conn


def test_a_reader_who_takes_a_byte_now_and_then_is_let_go(pair, monkeypatch):
    conn, theirs = pair
    monkeypatch.setattr(sending, "SEND_S", 0.5)
    conn.sock.sendall(LARGE)
    waiting, ready, late = answers()
    waiting.wait_for(conn)
    while late.empty():
        assert theirs.recv(1)
        assert ready.empty()
    assert late.get() is conn


def test_a_reader_who_has_gone_is_not_waited_for(pair):
    conn, theirs = pair
    conn.sock.sendall(LARGE)
    waiting, ready, _ = answers()
    waiting.wait_for(conn)
    theirs.close()
    assert ready.get(timeout=SOON_S) is conn


@pytest.mark.parametrize(
    ("bound", "at_most"), [("SENDING_AT_MOST", 1), ("SENDING_AT_MOST_BYTES", len(LARGE))]
)
def test_one_too_many_makes_the_oldest_go(pair, monkeypatch, bound, at_most):
    conn, _ = pair
    monkeypatch.setattr(sending, bound, at_most)
    conn.sock.sendall(LARGE)
    waiting, ready, late = answers()
    waiting.wait_for(conn)
    ours, end = socket.socketpair()
    with end, Socket.of(ours) as other:
        other.sendall(LARGE)
        waiting.wait_for(SimpleNamespace(sock=other))
        assert late.get(timeout=SOON_S) is conn
        assert ready.empty()
        read(end, len(LARGE))
        assert ready.get(timeout=SOON_S).sock is other


def test_an_answer_larger_than_all_may_have_is_sent_where_nobody_else_waits(pair, monkeypatch):
    conn, theirs = pair
    monkeypatch.setattr(sending, "SENDING_AT_MOST_BYTES", 1)
    conn.sock.sendall(LARGE)
    waiting, ready, _ = answers()
    waiting.wait_for(conn)
    assert read(theirs, len(LARGE)) == LARGE
    assert ready.get(timeout=SOON_S) is conn


def test_reads_wait_only_when_they_are_told_to(pair):
    conn, theirs = pair
    with pytest.raises(TimeoutError):
        conn.sock.recv(1)
    with pytest.raises(BlockingIOError):
        conn.sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    theirs.sendall(b"a")
    assert conn.sock.recv(1) == b"a"
    conn.sock.patient = True
    conn.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        conn.sock.recv(1)
    theirs.close()
    assert conn.sock.recv(1) == b""
