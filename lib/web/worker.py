"""The server's own worker: strangers hold none of its threads, whatever they send or do not read.

A thread of gunicorn's reads the head of a request, sends an answer and ends a connection with calls
that last for as long as a peer likes; so many such peers are all threads. Here connections wait
without a thread, each for seconds; a thread reads only a head that is there whole, and sends
without waiting. Refuses heads that are too large and what is no HTTP; a late head ends its
connection without a word (RFC 9110, section 15.5.9). Source: gunicorn, "Settings" (`worker_class`,
`forwarder_headers`); functions-framework sets neither.
"""

from __future__ import annotations

import json
import select
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn import config
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from lib.core.errors import INVALID_REQUEST
from lib.web import connection, problem
from lib.web.sending import Answers, Socket, Waits

if TYPE_CHECKING:
    from concurrent.futures import Future

HEAD_S = 5.0
HEAD_AT_MOST = 64 << 10  # a larger one is refused
WAITING_AT_MOST = 500  # of the thousand connections that a worker takes
UNREAD_AT_MOST = 64 << 10  # of a body that has come and that no answer needed
END = b"\r\n\r\n"  # of a head (RFC 9112, section 2.1)
NAME = "lib.web.worker.Worker"
TOO_LARGE = (
    f"The head of a request (its first line and its headers) may have {HEAD_AT_MOST} bytes, 100 "
    "headers, and 8190 bytes in each; this one is larger. Nothing was started; send less in it."
)
MALFORMED = (
    "This is no request as HTTP/1.1 defines it (RFC 9112): its first line, a header or the framing "
    "of its body is malformed. Nothing was started; check what builds the request."
)
# The answers to what gunicorn's parser does not take; anything else of its kind is malformed.
REFUSALS = {
    errors.LimitRequestLine: (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE),
    errors.LimitRequestHeaders: (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE),
    errors.ExpectationFailed: (
        HTTPStatus.EXPECTATION_FAILED,
        "`Expect` may only be `100-continue`. Nothing was started; send the request without it.",
    ),
    errors.UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "`Transfer-Encoding` may only be `chunked`. Nothing was started; send the body so.",
    ),
}
OUR_OWN = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
# What is replaced of gunicorn's threaded worker; without one of them strangers hold threads again.
REPLACED = (
    "init_process",
    "enqueue_req",
    "handle_request",
    "_keepalive_after",
    "handle_error",
    "finish_request",
)


class Heads(Waits):
    """Connections whose next head has not come whole."""

    events = select.EPOLLIN | select.EPOLLRDHUP if hasattr(select, "epoll") else 0

    def limit_s(self) -> float:
        """How long a head may take, seconds; a byte now and then does not extend it."""
        return HEAD_S

    def is_over(self, conn: Any) -> bool:
        """Whether the head is there."""
        return has_come(conn)

    def are_too_many(self, waiting: list[Any], conn: Any) -> bool:  # noqa: ARG002 # each is one
        """Whether there are too many connections."""
        return len(waiting) >= WAITING_AT_MOST


def has_come(conn: Any) -> bool:
    """Whether the next head of a connection is there whole, or as much as anybody reads.

    Args:
        conn: gunicorn's own; what it has read ahead counts.
    """
    came = _came(conn)
    return came is None or END in came or len(came) >= HEAD_AT_MOST


def is_too_large(conn: Any) -> bool:
    """Whether the head that has come is longer than a head may be.

    Args:
        conn: gunicorn's own.
    """
    came = _came(conn)
    return came is not None and len(came) >= HEAD_AT_MOST and END not in came[:HEAD_AT_MOST]


def _came(conn: Any) -> bytes | None:
    """What is there of the next head; None where a connection has ended."""
    ahead: bytes = conn.parser.unreader.buf.getvalue() if conn.parser is not None else b""
    try:
        peeked = conn.sock.recv(HEAD_AT_MOST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return ahead
    except OSError:
        return None  # it has gone
    return ahead + peeked if peeked else None


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's threaded worker; what waits for a peer holds none of its threads."""

    def init_process(self) -> None:
        """Begin, in a process of its own: threads end at a fork."""
        self._heads = Heads(self._begin, self._let_go)
        self._answers = Answers(partial(self.method_queue.defer, self._finish), self._let_go)
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """A connection is new, or has begun another request.

        Args:
            conn: gunicorn's own.
        """
        if not isinstance(conn.sock, Socket):
            conn.sock = Socket.of(conn.sock)
        if has_come(conn):
            self._begin(conn)
        else:
            self._heads.wait_for(conn)

    def _begin(self, conn: Any) -> None:
        if is_too_large(conn):
            self.method_queue.defer(self._refuse, conn)
        else:
            super().enqueue_req(conn)

    def _refuse(self, conn: Any) -> None:
        with suppress(OSError):  # it has gone
            conn.sock.sendall(refusal(*REFUSALS[errors.LimitRequestHeaders]))
        self._part(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; only its body is waited for, see `lib.web.intake`.

        Args:
            req: its head.
            conn: gunicorn's own.
        """
        conn.sock.patient = True
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.patient = False

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether another request may follow; the rest of a body is not awaited."""
        return bool(keepalive and conn.parser.finish_body(max_bytes=UNREAD_AT_MOST))

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what is no request; anything else is gunicorn's to log and to answer.

        Args:
            req: its head, if it has one.
            client: the socket.
            addr: its peer.
            exc: what gunicorn met.
        """
        if not isinstance(exc, errors.ParseException) or isinstance(exc, OUR_OWN):
            super().handle_error(req, client, addr, exc)
            return
        with suppress(OSError):  # it has gone
            client.sendall(refusal(*REFUSALS.get(type(exc), (HTTPStatus.BAD_REQUEST, MALFORMED))))

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """A thread has left a connection: its answer is out, or on its way.

        Args:
            conn: gunicorn's own.
            fs: whether it may bring another request.
        """
        conn.finished = fs
        if conn.sock.unsent and conn.sock.fileno() >= 0:
            self._answers.wait_for(conn)
        else:
            self._finish(conn)

    def _finish(self, conn: Any) -> None:
        left = conn.finished
        if not left.cancelled() and left.exception() is None and left.result():
            super().finish_request(conn, left)
        else:
            self._part(conn)

    def _part(self, conn: Any) -> None:
        """End a connection; gunicorn would wait for the peer's end in the thread that accepts."""
        connection.lingering.part({connection.SOCKETS[0]: conn.sock})
        self._close(conn)

    def _let_go(self, conn: Any) -> None:
        self.method_queue.defer(self._close, conn)  # the main thread counts connections

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def refusal(status: HTTPStatus, detail: str) -> bytes:
    """An answer, in the shape of every other one, to what is not a request for the application.

    It has no `x-request-id`: nothing is logged of what strangers send without a request.

    Args:
        status: its status.
        detail: the sentence for the reader.
    """
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": detail,
        "error": {
            "code": INVALID_REQUEST.code,
            "message": detail,
            "type": problem.kind_of(status),
            "retryable": False,
            **dict.fromkeys(("param", "upstream_code", "request_id")),
        },
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {problem.CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "x-should-retry: false\r\n\r\n"
    )
    return head.encode() + body


def install() -> None:
    """Make it the worker of a server that is configured after this call and names none.

    Raises:
        AttributeError: gunicorn has lost something that is replaced here.
    """
    for name in REPLACED:
        getattr(ThreadWorker, name)
    if hasattr(select, "epoll"):  # Linux, as in the cloud
        config.WorkerClass.default = NAME
    config.ForwarderHeaders.default = ""  # no proxy of ours sets any
