"""Connections that wait without a thread, and a socket whose calls do not wait.

An answer that its reader does not take would keep the thread that sends it; here the thread leaves
what the system does not take to one thread for all connections. Each wait has its end, and so has
the memory: whoever has waited longest makes way. Refuses nothing: what is late is closed by whoever
asked for the wait. Source: socket(7), epoll(7).
"""

from __future__ import annotations

import select
import socket
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

SEND_S = 60.0  # an answer of 1 MB over 17 kB/s
SENDING_AT_MOST = 250  # of the thousand connections that a worker takes
SENDING_AT_MOST_BYTES = 8 << 20  # of answers that are not taken, together
SECOND_S = 1.0


class Socket(socket.socket):
    """A connection that sends without waiting, and reads without waiting unless it is told to.

    Attributes:
        patient: whether reads wait for what has not come.
        unsent: what is to be sent when the peer takes it.
    """

    patient: bool
    unsent: bytearray

    @classmethod
    def of(cls, taken: socket.socket) -> Self:
        """The same connection.

        Args:
            taken: it is not to be used any more.
        """
        made = cls(taken.family, taken.type, taken.proto, taken.detach())
        made.patient, made.unsent = False, bytearray()
        return made

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """The next bytes; none at the end.

        Raises:
            TimeoutError: nothing has come, and reads do not wait.
        """
        if self.patient:
            return super().recv(bufsize, flags)
        try:
            return super().recv(bufsize, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            if flags & socket.MSG_DONTWAIT:
                raise
            raise TimeoutError from None

    def sendall(self, data: ReadableBuffer, _flags: int = 0, /) -> None:
        """Send now what the system takes, and the rest later: in `flush`."""
        self.unsent += data
        self.flush()

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send all of it, some of it later."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def flush(self) -> bool:
        """Send more of what was not sent.

        Returns:
            Whether nothing is left.

        Raises:
            OSError: the peer has gone.
        """
        while self.unsent:
            try:
                count = super().send(self.unsent, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            del self.unsent[:count]
        return True


class Waits(ABC):
    """Connections that wait for something; one thread looks after all of them.

    Args:
        ready: takes a connection for which it has come, or that is over.
        late: takes one for which it did not come in time.
    """

    events = 0

    def __init__(self, ready: Callable[[Any], None], late: Callable[[Any], None]) -> None:
        self._ready, self._late = ready, late
        self._waiting: dict[int, tuple[Any, float]] = {}  # by file number, oldest first
        self._lock = threading.Lock()
        self._epoll = select.epoll()
        name = type(self).__name__.lower()
        threading.Thread(target=self._watch, daemon=True, name=name).start()

    @abstractmethod
    def limit_s(self) -> float:
        """How long each may wait, seconds."""

    @abstractmethod
    def is_over(self, conn: Any) -> bool:
        """Whether what a connection waits for has come."""

    @abstractmethod
    def are_too_many(self, waiting: list[Any], conn: Any) -> bool:
        """Whether the oldest of those that wait makes way for one more."""

    def wait_for(self, conn: Any) -> None:
        """A connection waits from now on; the oldest make way where there are too many.

        Args:
            conn: gunicorn's own.
        """
        number, oldest = conn.sock.fileno(), []
        with self._lock:
            while self._waiting and self.are_too_many(self._conns(), conn):
                oldest.append(self._take(next(iter(self._waiting))))
            self._waiting[number] = (conn, time.monotonic() + self.limit_s())
            # One event for what changes, not one for what lies there.
            self._epoll.register(number, self.events | select.EPOLLET)
        for one in oldest:
            self._late(one)

    def _conns(self) -> list[Any]:
        return [conn for conn, _ in self._waiting.values()]

    def _take(self, number: int) -> Any:
        conn, _ = self._waiting.pop(number)
        with suppress(OSError):  # it was closed meanwhile
            self._epoll.unregister(number)
        return conn

    def _watch(self) -> None:
        while True:
            for number, event in self._epoll.poll(SECOND_S):
                gone = event & ~(select.EPOLLIN | select.EPOLLOUT)
                with self._lock:
                    found = self._waiting.get(number)
                    if found is None or not (gone or self.is_over(found[0])):
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


class Answers(Waits):
    """Connections whose peers have not taken their answers yet."""

    events = select.EPOLLOUT if hasattr(select, "epoll") else 0

    def limit_s(self) -> float:
        """How long an answer may take, seconds; a byte now and then does not extend it."""
        return SEND_S

    def is_over(self, conn: Any) -> bool:
        """Whether the answer is out, or nobody is there to take it."""
        try:
            return bool(conn.sock.flush())
        except OSError:
            return True

    def are_too_many(self, waiting: list[Any], conn: Any) -> bool:
        """Whether there are too many connections, or too many bytes of theirs."""
        held = sum(len(one.sock.unsent) for one in [*waiting, conn])
        return len(waiting) >= SENDING_AT_MOST or held > SENDING_AT_MOST_BYTES
