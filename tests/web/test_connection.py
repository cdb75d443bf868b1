"""Connections of callers: few may wait for a policy at once, and the oldest makes way."""

import contextlib
import socket

from lib.web import connection
from lib.web.compat import upload_form
from tests.web.test_intake import served


def slow_post(port, path="/v1/videos", length=5_000_000, kind="application/json"):
    """A connection that has sent the head of a request and one byte of its body."""
    sender = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    sender.sendall(f"{head}Content-Length: {length}\r\n\r\n{{".encode())
    return sender


def answer_to(sender):
    with sender.makefile("rb") as answer:
        return answer.read()  # to the end of the connection


def test_a_form_without_its_policy_is_answered_in_time_and_the_oldest_makes_way(world, monkeypatch):
    monkeypatch.setattr(upload_form, "FIELDS_S", 50.0)
    kind = "multipart/form-data; boundary=b"
    with served(world.instance().api) as port, contextlib.ExitStack() as opened:
        senders = []
        for _ in range(connection.POLICIES_AT_MOST + 1):
            sender = slow_post(port, "/api/v1/uploads", 50_000, kind)
            senders.append(opened.enter_context(sender))
        answers = [answer_to(senders[0])]  # a read that was not the oldest may wait
        monkeypatch.setattr(upload_form, "FIELDS_S", 0.1)
        for _ in range(connection.POLICIES_AT_MOST):
            opened.enter_context(slow_post(port, "/api/v1/uploads", 50_000, kind))
        answers += [answer_to(sender) for sender in senders[1:]]
    assert [answer.split()[1] for answer in answers] == [b"400"] * len(senders)
    assert all(b"RequestTimeout" in answer for answer in answers)
