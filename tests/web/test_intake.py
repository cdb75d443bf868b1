"""Memory for bodies: reserved in order, released whatever happens, refused in time."""

import contextlib
import io
import socket
import threading
import time

import pytest
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.core.errors import OVERLOADED, ApiError
from lib.flows.memory import BODIES_AT_MOST, WAITING_AT_MOST, MemoryBudget
from lib.web import body, connection, intake
from lib.web.compat import upload_form

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


def test_room_is_given_back_after_an_error_and_nobody_waits_longer_than_said():
    room = MemoryBudget(10, wait_s=0.2)
    with contextlib.suppress(ValueError), room.held(10):
        raise ValueError
    with room.held(6):
        began = time.monotonic()
        with pytest.raises(ApiError) as refused, room.held(6):
            pass
        assert 0.1 < time.monotonic() - began < 1
        assert refused.value.kind is OVERLOADED
        assert refused.value.retry_after_s
        with room.held(4):  # who was refused stands in nobody's way
            assert taken(room) == 10
    assert taken(room) == 0


def test_many_threads_never_hold_more_than_there_is_and_all_get_their_turn():
    room, most, done, lock = MemoryBudget(10, wait_s=20), [0], [], threading.Lock()

    def work(size):
        while True:  # as a client that is told to come back
            with contextlib.suppress(ApiError), room.held(size):
                with lock:
                    most[0] = max(most[0], taken(room))
                time.sleep(0.002)
                break
            time.sleep(0.005)
        done.append(size)

    threads = [threading.Thread(target=work, args=[1 + n % 14]) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 60
    assert most[0] <= 10
    assert taken(room) == 0


def test_a_long_line_is_refused_at_once_so_that_threads_are_left_for_readers():
    room, refused = MemoryBudget(10, wait_s=5), []

    def work():
        try:
            with room.held(10):
                pass
        except ApiError as error:
            refused.append(error.kind)

    with room.held(10):
        threads = [threading.Thread(target=work) for _ in range(WAITING_AT_MOST + 3)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            if len(refused) == 3:
                break
            time.sleep(0.02)
        assert refused == [OVERLOADED] * 3
    for thread in threads:
        thread.join()
    assert len(refused) == 3


def test_a_large_one_is_not_overtaken_for_ever():
    room, order = MemoryBudget(10, wait_s=5), []

    def work(name, size):
        with room.held(size):
            order.append(name)
            time.sleep(0.02)

    with room.held(5):
        threads = []
        for name, size in (("large", 10), ("small", 1), ("small", 1)):
            threads.append(threading.Thread(target=work, args=[name, size]))
            threads[-1].start()
            time.sleep(0.02)
        assert order == []
    for thread in threads:
        thread.join()
    assert order[0] == "large"


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


def test_loans_grow_only_as_far_as_all_of_them_can_still_end():
    room = MemoryBudget(10, wait_s=0.05)
    with room.growing(10) as slow, room.growing(6) as small, room.growing(10) as large:
        slow.grow(1)
        small.grow(6)  # it can end, and then the slow one
        with pytest.raises(ApiError) as refused:
            large.grow(1)  # neither of the two large ones could end
        assert refused.value.kind is OVERLOADED
        slow.grow(4)
        assert taken(room) == 10
        slow.grow(2)  # a smaller size changes nothing
        assert (slow.held, small.held, large.held) == (4, 6, 0)
    assert taken(room) == 0


def test_many_growing_loans_all_end():
    room, done = MemoryBudget(20, wait_s=30), []

    def work(most):
        while True:
            with contextlib.suppress(ApiError), room.growing(most) as loan:
                for size in range(1, most + 1):
                    loan.grow(size)
                    assert taken(room) <= 20
                    time.sleep(0.001)
                break
            time.sleep(0.005)
        done.append(most)

    threads = [threading.Thread(target=work, args=[1 + n * 7 % 20]) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(done) == 30
    assert taken(room) == 0


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


def test_a_forms_files_are_memory_once_and_its_texts_are_whole():
    data = {"first_frame": (io.BytesIO(b"a" * MB), "a.png"), "prompt": "rain" * 200_000}
    builder = EnvironBuilder(method="POST", data=data)
    environ = builder.get_environ()
    with contextlib.closing(environ["wsgi.input"]), contextlib.closing(Request(environ)) as asked:
        fields = body.read(asked, 32 * MB)
        assert fields["first_frame"] == b"a" * MB
        assert isinstance(asked.files["first_frame"].stream, io.BytesIO)
        assert fields["first_frame"] is asked.files["first_frame"].stream.getvalue()
        assert len(fields["prompt"]) == 800_000
    builder.close()


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
