"""Whether a caller has been answered, over a real socket: noted when the answer is out, not when the peer is gone."""

import base64
import contextlib
import http.client
import json
import threading
import time

import pytest
import requests
from requests.adapters import BaseAdapter
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from lib.emulator.in_process import InProcess
from tests.receivers import PLACES
from tests.world import STORAGE, UPSTREAM, picture

URI = "data:image/png;base64," + base64.b64encode(picture()).decode()
BODY = json.dumps({"first_frame": URI, "last_frame": URI, "prompt": "rain"})
HEAD = {"Content-Type": "application/json"}
PATIENCE_S = 30


class Wire(BaseAdapter):
    def __init__(self, app, before):
        super().__init__()
        self._inside, self._before = InProcess(app), before

    def send(self, request, **options):
        self._before(request)
        return self._inside.send(request, **options)

    def close(self):
        pass


@contextlib.contextmanager
def served(world, before=lambda _request: None):
    """An instance on a port."""
    apps = {STORAGE: world.storage, UPSTREAM: world.upstream, PLACES: world.receivers}

    def connect():
        session = requests.Session()
        session.trust_env = False
        for prefix, app in apps.items():
            session.mount(prefix, Wire(app, before))
        return session

    service = world.instance(connect=connect)
    server = make_server("127.0.0.1", 0, Request.application(service.api), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/videos", BODY, HEAD)
        answer = connection.getresponse()
        assert answer.status == 202
        return json.loads(answer.read())["id"]


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def noted(world):
    return [
        blob.metadata
        for blob in world.bucket.list_blobs(prefix="keys/")
        if "answered" in (blob.metadata or {})
    ]


def test_an_answer_that_is_out_is_noted_for_all_instances(world):
    with served(world) as one, served(world) as other:
        first = post(one)
        until(lambda: noted(world))
        assert post(other) != first
    assert len(world.names("pending/")) == 2


@pytest.mark.parametrize("reset", [False, True])
def test_an_answer_to_a_connection_that_is_gone_is_none(world, reset):
    asked, closed = threading.Event(), threading.Event()

    def before(request):
        if "video-synthesis" in request.url:
            asked.set()
            assert closed.wait(PATIENCE_S)

    with served(world, before) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("POST", "/v1/videos", BODY, HEAD)
        assert asked.wait(PATIENCE_S)
        if reset:
            import socket  # one line
            import struct  # one line

            linger = struct.pack("ii", 1, 0)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        closed.set()
        until(lambda: any("gates" not in name for name in world.names("claims/")))
        again = post(port)
    assert len(world.paid()) == 1
    assert again in world.names("pending/")[0]


def test_a_caller_that_closes_after_reading_has_been_answered(world):
    """As curl does: the answer was there before the end of the connection."""
    with served(world) as port:
        assert post(port) != post(port)
