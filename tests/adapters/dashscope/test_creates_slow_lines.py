"""Large creates over slow lines, with real sockets: a block has its timeout, the whole its deadline."""

import contextlib
import json
import socket
import threading
import time

import pytest
import requests

from lib.adapters.dashscope import DashScope
from lib.core.jobs.job import PlainRequest
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import Accepted, Ambiguous, Refused

STALL_S = 4.0  # longer than the connect's timeout, under which a body of bytes was written
ASKED = PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5)
LARGE = Order(ASKED, "data:image/png;base64," + "A" * (10 << 20), None)
TASK = {"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"}
READ_FIRST = 1 << 20


class SlowHost:
    """A service on a loopback port whose line stops for a while within each large body.

    Args:
        stall_s: for how long.
        then: what follows: `answer`, `cut` (where it stalled) or `cut at the end`.
    """

    def __init__(self, stall_s=STALL_S, then="answer"):
        self.stall_s, self.then = stall_s, then
        self.bodies, self.together, self._open = [], 0, 0
        self._lock = threading.Lock()
        self._listener = socket.socket()
        # What the kernel takes by itself must be less than a body.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(8)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(
                    target=self._talk, args=(self._listener.accept()[0],), daemon=True
                ).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError), connection.makefile("rwb") as file:
            while head := file.readline():
                length = 0
                while (line := file.readline()) not in {b"\r\n", b""}:
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                if length > READ_FIRST:
                    if not self._body(connection, file, length):
                        return
                elif length:
                    file.read(length)
                body = json.dumps(self._answer(head)).encode()
                file.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                file.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                file.flush()

    def _body(self, connection, file, length):
        with self._lock:
            self._open += 1
            self.together = max(self.together, self._open)
        read = len(file.read(READ_FIRST))
        time.sleep(self.stall_s)
        if self.then == "cut":
            connection.shutdown(socket.SHUT_RDWR)
            return False
        while read < length and (block := file.read(min(1 << 16, length - read))):
            read += len(block)
        with self._lock:
            self._open -= 1
            self.bodies.append(read)
        if self.then == "cut at the end":
            connection.shutdown(socket.SHUT_RDWR)
            return False
        return read == length

    def _answer(self, head):
        if b"getPolicy" not in head:
            return TASK
        names = (
            "upload_dir oss_access_key_id signature policy x_oss_object_acl x_oss_forbid_overwrite"
        )
        return {"data": dict.fromkeys(names.split(), "x") | {"upload_host": self.url}}


def account(host):
    return DashScope(
        base_url=f"{host.url}/api/v1",
        api_key="sk-local",
        region="beijing",
        delivery="upload",
        connect=requests.Session,
        now=time.time,
        sleep=time.sleep,
    )


@pytest.fixture
def host():
    with contextlib.closing(SlowHost()) as one:
        yield one


def test_a_large_create_gets_through_a_line_that_stalls(host):
    assert account(host).create(LARGE, time.time() + 60) == Accepted("t", "r")
    assert host.bodies[0] > 10 << 20


def test_a_create_whose_end_did_not_leave_us_in_time_made_no_task(host):
    outcome = account(host).create(LARGE, time.time() + STALL_S / 2)
    assert isinstance(outcome, Refused)
    assert outcome.waits
    # And it cannot make one later: its length was declared.
    deadline = time.monotonic() + 30
    while not host.bodies and time.monotonic() < deadline:
        time.sleep(0.05)
    assert host.bodies[0] < 10 << 20


@pytest.mark.parametrize(("then", "kind"), [("cut", Refused), ("cut at the end", Ambiguous)])
def test_only_a_whole_body_can_have_made_a_task(then, kind):
    with contextlib.closing(SlowHost(0.1, then)) as host:
        outcome = account(host).create(LARGE, time.time() + 60)
    assert isinstance(outcome, kind)
    assert getattr(outcome, "waits", True)
