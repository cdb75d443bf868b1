"""The server's own worker, with an end to waiting: a request's head has seconds to come.

A thread of gunicorn's reads the head of a request with calls that last for as long as a peer sends
a byte now and then, before any code of a function runs; so many such peers are all threads. Here a
head has a time by which it must have come, and few unfinished ones are read at a time: the oldest
makes way. Refuses nothing in words: the connection ends (RFC 9110, section 15.5.9, leaves that to
the server). Source: gunicorn, "Settings" (`worker_class`); functions-framework sets none itself,
so that the default counts.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn import config
from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_S = 5.0
# Of all threads: with those that forms of strangers may hold (`connection.POLICIES_AT_MOST`) some
# must be left from four on, since only a thread that is free can make the oldest give way.
SHARE = 4
NAME = "lib.web.worker.Worker"


class Heads:
    """Connections whose next request has not come whole: so many, and each for so long.

    Args:
        at_most: that are read at a time.
        limit_s: how long each may take, seconds.
        now: seconds of a clock that nobody sets.
    """

    def __init__(
        self, at_most: int, limit_s: float = HEAD_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_most, self._limit_s, self._now = at_most, limit_s, now
        self._waiting: dict[socket.socket, float] = {}  # in the order of their ends
        self._changed = threading.Condition()
        self._watching = False

    def wait_for(self, connection: socket.socket) -> None:
        """A head is awaited from now on.

        Args:
            connection: that it comes on.
        """
        with self._changed:
            if not self._watching:  # threads end at a fork: the first one of this process
                self._watching = True
                threading.Thread(target=self._watch, daemon=True, name="heads").start()
            self._waiting[connection] = self._now() + self._limit_s
            if len(self._waiting) > self._at_most:
                self._end(next(iter(self._waiting)))
            if len(self._waiting) == 1:
                self._changed.notify()

    def came(self, connection: socket.socket) -> None:
        """A head is there, or its connection is over; twice is once.

        Args:
            connection: that it came on.
        """
        with self._changed:
            self._waiting.pop(connection, None)

    def _end(self, connection: socket.socket) -> None:
        """What was sent is still read; then comes the end."""
        del self._waiting[connection]
        with suppress(OSError):  # it has gone
            connection.shutdown(socket.SHUT_RD)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = self._now()
                while self._waiting and (first := next(iter(self._waiting.items())))[1] <= now:
                    self._end(first[0])
                left = first[1] - now if self._waiting else None
                self._changed.wait(left)


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's threaded worker; few of its threads wait for heads."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._heads = Heads(max(1, self.cfg.threads // SHARE))

    def handle(self, conn: Any) -> Any:
        """One request of a connection, from its first byte on; in a thread of the pool.

        Args:
            conn: gunicorn's own.
        """
        connection = conn.sock
        self._heads.wait_for(connection)
        try:
            return super().handle(conn)
        finally:
            self._heads.came(connection)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The request, whose head is there.

        Args:
            req: gunicorn's own.
            conn: likewise.
        """
        self._heads.came(conn.sock)
        return super().handle_request(req, conn)


def install() -> None:
    """Make it the worker of a server that is configured after this call and names none."""
    config.WorkerClass.default = NAME
