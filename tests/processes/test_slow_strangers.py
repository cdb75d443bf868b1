"""Slow connections of strangers against the real framework: they hold neither threads nor memory."""

import contextlib
import json
import os
import socket
import threading

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes, consecutive_ports, python
from lib.emulator.samples import monster
from lib.web.auth import new_key

KEY, STORED = new_key()
HEADERS = {"Authorization": f"Bearer {KEY}"}
STRANGERS = 20  # the service has 8 threads
PATIENCE_S = 60
FORM = "multipart/form-data; boundary=b"
PACKED = "Content-Encoding: x\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("logs"), os.environ) as running:
        keys = json.dumps({"alice": [STORED]})
        yield services.start(running, draft=True, owner_keys=keys)


class Slow:
    """A connection that sends a byte now and then, for as long as it may."""

    def __init__(self, port, path, kind, length, more=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{more}"
        self.socket.sendall(f"{head}Content-Length: {length}\r\n\r\n-".encode())

    def send(self):
        with contextlib.suppress(OSError):
            self.socket.sendall(b"-")

    def answer(self):
        """All that comes until the service closes the connection."""
        with self.socket.makefile("rb") as answer:
            return answer.read()


def healthy(service):
    return requests.get(f"{service.url}/health", timeout=PATIENCE_S).status_code


@contextlib.contextmanager
def slow(service, path, kind, lengths, more=""):
    senders = [Slow(service.ports.api, path, kind, length, more) for length in lengths]
    ended = threading.Event()

    def trickle():
        while not ended.wait(0.5):
            for sender in senders:
                sender.send()

    feeding = threading.Thread(target=trickle)
    feeding.start()
    try:
        # Connections are taken in their order: who came before this call has been.
        assert healthy(service) == 200
        yield senders
    finally:
        ended.set()
        feeding.join()
        for sender in senders:
            sender.socket.close()


def create(service):
    """The status of a keyed create whose body is large enough to need memory."""
    files = {
        "first_frame": ("a.png", monster.first(), "image/png"),
        "last_frame": ("b.png", monster.last() + bytes(1 << 20), "image/png"),
    }
    url = f"{service.url}/v1/videos"
    answer = requests.post(url, headers=HEADERS, files=files, timeout=PATIENCE_S)
    return answer.status_code


def test_slow_posts_without_a_key_are_answered_and_keep_nobody_waiting(service):
    lengths = [5_000_000] * STRANGERS
    with slow(service, "/v1/videos", "application/json", lengths) as senders:
        assert healthy(service) == 200
        assert create(service) == 202
        for sender in senders:  # while they are still sending
            assert sender.answer().split()[1] == b"401"


@pytest.mark.parametrize("path", ["/v1/nowhere", "/health", "/api/v1/tasks", "/%0A"])
def test_no_path_and_no_method_lets_a_stranger_stay(service, path):
    lengths = [5_000_000] * STRANGERS
    with slow(service, path, "application/json", lengths) as senders:
        assert healthy(service) == 200
        for sender in senders:
            assert sender.answer().split()[1].startswith(b"4")


def test_slow_forms_without_a_policy_take_no_memory_from_a_create(service):
    """Announced together: all the memory that there is for bodies."""
    path = "/api/v1/uploads"
    with (
        slow(service, path, FORM, [50_000], PACKED) as unpacked_to_32_mb,
        slow(service, path, FORM, [10_480_000, 6_290_000]) as others,
    ):
        assert create(service) == 202
        for sender in (*unpacked_to_32_mb, *others):
            assert b"RequestTimeout" in sender.answer()


def test_many_slow_forms_without_a_policy_keep_nobody_waiting(service):
    with slow(service, "/api/v1/uploads", FORM, [50_000] * STRANGERS) as senders:
        assert healthy(service) == 200
        assert create(service) == 202
        for sender in senders:
            assert b"RequestTimeout" in sender.answer()


def test_a_body_without_a_length_does_not_keep_a_strangers_connection(service):
    with contextlib.ExitStack() as opened:
        senders = []
        for _ in range(STRANGERS):
            sender = socket.create_connection(("127.0.0.1", service.ports.api), PATIENCE_S)
            senders.append(opened.enter_context(sender))
            head = b"POST /v1/videos HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            sender.sendall(head + b"fffff\r\n-")
        assert healthy(service) == 200
        for sender in senders:
            with sender.makefile("rb") as answer:
                assert answer.read().split()[1] == b"401"


def test_a_stranger_who_sends_all_of_it_hears_why(service):
    url = f"{service.url}/v1/videos"
    for _ in range(3):
        answer = requests.post(url, data=bytes(20 << 20), timeout=PATIENCE_S)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthenticated"


def test_a_slow_create_of_an_owner_holds_no_more_memory_than_came(service):
    more = f"Authorization: Bearer {KEY}\r\n"
    with slow(service, "/v1/videos", "application/json", [33_000_000] * 3, more):
        assert create(service) == 202


def test_a_slow_body_of_a_stranger_holds_no_tick(service):
    """`poll` has its threads for the scheduler: identity is in the headers, whatever the body."""
    port = service.ports.poll
    with contextlib.ExitStack() as opened:
        senders = [Slow(port, "/", "application/json", 5_000_000) for _ in range(STRANGERS)]
        for sender in senders:
            opened.callback(sender.socket.close)
        url = f"http://127.0.0.1:{port}/health"
        assert requests.get(url, timeout=PATIENCE_S).status_code == 200
        for sender in senders:
            assert sender.answer().split()[1] == b"401"


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE_S):
        return True
    return False


def test_a_slow_event_of_a_stranger_holds_no_tick(service, tmp_path):
    """The framework reads an event before it calls its target; who sends it is asked before that."""
    port = consecutive_ports(1)
    command = [python(), "-m", "functions_framework", "--target", "poll_event"]
    command += ["--source", str(services.ROOT / "main.py"), "--signature-type", "cloudevent"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with Processes(tmp_path, os.environ) as running, contextlib.ExitStack() as opened:
        running.start("event", command, {**service.environ, "THREADS": "4"})
        while not listens(port):
            running.check()
        senders = [Slow(port, "/", "application/json", 5_000_000) for _ in range(STRANGERS)]
        for sender in senders:
            opened.callback(sender.socket.close)
        for sender in senders:
            assert sender.answer().split()[1] == b"401"
