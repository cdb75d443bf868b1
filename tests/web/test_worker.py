"""Connections that wait for a head hold no thread, and none waits for longer than it may."""

import queue
import socket
from types import SimpleNamespace

import pytest
from gunicorn import config
from gunicorn.workers.gthread import ThreadWorker

from lib.web import worker
from lib.web.worker import Heads, has_come

SOON_S = 30.0
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield SimpleNamespace(sock=ours, parser=None), theirs
    ours.close()
    theirs.close()


def heads():
    ready, late = queue.SimpleQueue(), queue.SimpleQueue()
    return Heads(ready.put, late.put), ready, late


@pytest.mark.parametrize(
    ("sent", "come"),
    [(b"", False), (b"GET /", False), (HEAD[:-1], False), (HEAD, True), (HEAD + b"body", True)],
    ids=["nothing", "a word", "all but a byte", "all", "more"],
)
def test_a_head_has_come_when_it_is_whole(pair, sent, come):
    conn, theirs = pair
    theirs.sendall(sent)
    assert has_come(conn) is come


def test_what_has_ended_or_is_too_large_is_for_the_server_to_say(pair, monkeypatch):
    conn, theirs = pair
    monkeypatch.setattr(worker, "HEAD_AT_MOST", 100)
    theirs.sendall(b"a" * 100)
    assert has_come(conn)
    conn.sock.recv(100)
    assert not has_come(conn)
    theirs.close()
    assert has_come(conn)


def test_what_was_read_ahead_counts(pair):
    conn, _ = pair
    ahead = SimpleNamespace(buf=SimpleNamespace(getvalue=lambda: HEAD))
    conn.parser = SimpleNamespace(unreader=ahead)
    assert has_come(conn)


def test_a_head_in_pieces_is_handed_on_when_it_is_whole_and_not_before(pair):
    conn, theirs = pair
    waiting, ready, _ = heads()
    waiting.wait_for(conn)
    theirs.sendall(HEAD[:10])
    with pytest.raises(queue.Empty):
        ready.get(timeout=0.2)
    theirs.sendall(HEAD[10:])
    assert ready.get(timeout=SOON_S) is conn


def test_a_head_that_never_ends_is_let_go(pair, monkeypatch):
    conn, theirs = pair
    monkeypatch.setattr(worker, "HEAD_S", 0.1)
    waiting, _, late = heads()
    waiting.wait_for(conn)
    theirs.sendall(b"G")
    assert late.get(timeout=SOON_S) is conn


def test_one_too_many_makes_the_oldest_go(pair, monkeypatch):
    conn, _ = pair
    monkeypatch.setattr(worker, "WAITING_AT_MOST", 1)
    waiting, _, late = heads()
    waiting.wait_for(conn)
    other, end = socket.socketpair()
    with other, end:
        waiting.wait_for(SimpleNamespace(sock=other, parser=None))
        assert late.get(timeout=SOON_S) is conn


def test_it_is_the_worker_of_a_server_that_names_none(monkeypatch):
    monkeypatch.setattr(config.WorkerClass, "default", "sync")
    worker.install()
    assert config.WorkerClass.default == worker.NAME


@pytest.mark.parametrize("name", worker.REPLACED)
def test_a_server_that_has_lost_what_is_replaced_does_not_start(monkeypatch, name):
    holder = next(one for one in ThreadWorker.__mro__ if name in vars(one))
    monkeypatch.delattr(holder, name)
    if hasattr(ThreadWorker, name):  # a class below has one, too
        monkeypatch.delattr(next(one for one in ThreadWorker.__mro__ if name in vars(one)), name)
    with pytest.raises(AttributeError, match=name):
        worker.install()


def test_no_header_of_a_stranger_is_taken_for_a_proxys(monkeypatch):
    monkeypatch.setattr(config.WorkerClass, "default", "sync")
    monkeypatch.setattr(config.ForwarderHeaders, "default", "SCRIPT_NAME,PATH_INFO")
    worker.install()
    made = config.Config()
    assert made.forwarder_headers == []
    assert made.secure_scheme_headers["X-FORWARDED-PROTO"] == "https"


@pytest.mark.parametrize(
    ("sent", "large"),
    [(HEAD, False), (b"a" * 99, False), (b"a" * 100, True), (b"a" * 97 + HEAD, True)],
    ids=["a head", "all but a byte", "no end", "an end beyond"],
)
def test_a_head_is_too_large_whose_end_is_not_there_in_time(pair, monkeypatch, sent, large):
    conn, theirs = pair
    monkeypatch.setattr(worker, "HEAD_AT_MOST", 100)
    theirs.sendall(sent)
    assert worker.is_too_large(conn) is large
