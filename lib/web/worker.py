"""The server's own worker, in which a request gets a thread when its head is there, not before.

A thread of gunicorn's reads the head of a request with calls that last for as long as a peer sends
a byte now and then, before any code of a function runs; so many such peers are all threads. Here
connections wait without a thread, and each has seconds for its head. Refuses nothing in words: the
connection ends (RFC 9110, section 15.5.9, leaves that to the server). Source: gunicorn, "Settings"
(`worker_class`); functions-framework sets none itself, so that the default counts.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn import config
from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_S = 5.0
HEAD_AT_MOST = 64 << 10  # a larger one is the server's to refuse
WAITING_AT_MOST = 500  # of the thousand connections that a worker takes
END = b"\r\n\r\n"  # of a head (RFC 9112, section 2.1)
NAME = "lib.web.worker.Worker"
SECOND_S = 1.0


class Heads:
    """Connections whose next head has not come whole; one thread looks after all of them.

    Args:
        ready: takes a connection whose head is there, or that is over.
        late: takes one whose head did not come in time.
    """

    def __init__(self, ready: Callable[[Any], None], late: Callable[[Any], None]) -> None:
        self._ready, self._late = ready, late
        self._waiting: dict[int, tuple[Any, float]] = {}  # by file number, oldest first
        self._lock = threading.Lock()
        self._epoll = select.epoll()
        threading.Thread(target=self._watch, daemon=True, name="heads").start()

    def wait_for(self, conn: Any) -> None:
        """A head is awaited from now on; the oldest makes way where there are too many.

        Args:
            conn: gunicorn's own.
        """
        number, oldest = conn.sock.fileno(), None
        with self._lock:
            if len(self._waiting) >= WAITING_AT_MOST:
                oldest = self._take(next(iter(self._waiting)))
            self._waiting[number] = (conn, time.monotonic() + HEAD_S)
            # One event for what comes, not one for what lies there: it is only looked at.
            events = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
            self._epoll.register(number, events)
        if oldest is not None:
            self._late(oldest)

    def _take(self, number: int) -> Any:
        conn, _ = self._waiting.pop(number)
        self._epoll.unregister(number)
        return conn

    def _watch(self) -> None:
        while True:
            for number, event in self._epoll.poll(SECOND_S):
                over = event & ~select.EPOLLIN
                with self._lock:
                    found = self._waiting.get(number)
                    if found is None or not (over or has_come(found[0])):
                        continue
                    conn = self._take(number)
                self._ready(conn)
            for conn in self._overdue():
                self._late(conn)

    def _overdue(self) -> list[Any]:
        now, conns = time.monotonic(), []
        with self._lock:
            while self._waiting:
                number, (_, until) = next(iter(self._waiting.items()))
                if until > now:
                    break
                conns.append(self._take(number))
        return conns


def has_come(conn: Any) -> bool:
    """Whether the next head of a connection is there whole, or as much as anybody reads.

    Args:
        conn: gunicorn's own; what it has read ahead counts.
    """
    ahead = conn.parser.unreader.buf.getvalue() if conn.parser is not None else b""
    try:
        peeked = conn.sock.recv(HEAD_AT_MOST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return END in ahead
    except OSError:
        return True  # it has gone
    came = ahead + peeked
    return not peeked or END in came or len(came) >= HEAD_AT_MOST


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's threaded worker; what waits for a head holds none of its threads."""

    def init_process(self) -> None:
        """Begin, in a process of its own: threads end at a fork."""
        self._heads = Heads(super().enqueue_req, self._let_go)
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """A connection is new, or has begun another request.

        Args:
            conn: gunicorn's own.
        """
        if self.cfg.is_ssl or has_come(conn):
            super().enqueue_req(conn)
        else:
            self._heads.wait_for(conn)

    def _let_go(self, conn: Any) -> None:
        self.method_queue.defer(self._close, conn)  # the main thread counts connections

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def install() -> None:
    """Make it the worker of a server that is configured after this call and names none."""
    if hasattr(select, "epoll"):  # Linux, as in the cloud
        config.WorkerClass.default = NAME
