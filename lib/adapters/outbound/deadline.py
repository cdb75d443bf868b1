"""Time for other people's connections: cut when it is over, whatever they are doing.

The alarm of a thread watches the connections that sessions open for it (see `session`). It counts
real seconds, since it is sockets that it must not wait for; tests' clocks do not move it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Alarm:
    """Cuts the connections of one thread when a time is over, whatever they are doing.

    A read timeout starts again with every byte, so that a host which sends one byte at a time would
    hold a thread for hours; this does not start again.

    Args:
        total_s: from now on, real seconds.
    """

    def __init__(self, total_s: float) -> None:
        self._end = time.monotonic() + total_s
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def left_s(self) -> float:
        """What is left of the time, seconds; negative behind its end."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0

    def watch(self, fileno: int) -> None:
        """Cut this connection, too; a copy of its handle stays valid when TLS takes it over."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(fileno)))
            if self.over:
                _shut(self._sockets[-1])
            if self._timer is None:
                self._timer = threading.Timer(max(0.0, self.left_s), self._cut_all)
                self._timer.daemon = True
                self._timer.start()

    def _cut_all(self) -> None:
        with self._lock:
            for connection in self._sockets:
                _shut(connection)

    def stop(self) -> None:
        """The connections are no longer this alarm's."""
        if self._timer:
            self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


_this_thread = threading.local()


@contextmanager
def within(total_s: float) -> Iterator[Alarm]:
    """Watched connections that this thread uses inside are cut after so many real seconds."""
    before = current()
    alarm = _this_thread.alarm = Alarm(total_s)
    try:
        yield alarm
    finally:
        _this_thread.alarm = before
        alarm.stop()


def current() -> Alarm | None:
    """The alarm of this thread, None outside `within`."""
    return getattr(_this_thread, "alarm", None)


def watched(connection: socket.socket) -> None:
    """Let this thread's alarm, if there is one, watch a connection."""
    alarm = current()
    if alarm is not None:
        alarm.watch(connection.fileno())
