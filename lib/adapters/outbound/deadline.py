"""Time for other people's connections: cut when it is over, whatever they are doing.

The alarm of a thread watches the connections that `guard` and `timed_session` open for it. It
counts real seconds, since it is sockets that it must not wait for; tests' clocks do not move it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests


class Alarm:
    """Cuts the connections of one thread when a time is over, whatever they are doing.

    A read timeout starts again with every byte, so that a host which sends one byte at a time would
    hold a thread for hours; this does not start again.

    Args:
        total_s: from now on, real seconds.
    """

    def __init__(self, total_s: float) -> None:
        self._end = time.monotonic() + total_s
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def left_s(self) -> float:
        """What is left of the time, seconds; negative behind its end."""
        return self._end - time.monotonic()

    @property
    def rung(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0

    def watch(self, fileno: int) -> None:
        """Cut this connection, too; a copy of its handle outlives TLS taking it over."""
        with self._lock:
            self._lines.append(socket.socket(fileno=os.dup(fileno)))
            if self.rung:
                _shut(self._lines[-1])
            if self._timer is None:
                self._timer = threading.Timer(max(0.0, self.left_s), self._ring)
                self._timer.daemon = True
                self._timer.start()

    def _ring(self) -> None:
        with self._lock:
            for line in self._lines:
                _shut(line)

    def stop(self) -> None:
        """The connections are no longer this alarm's."""
        if self._timer:
            self._timer.cancel()
        with self._lock:
            while self._lines:
                self._lines.pop().close()


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


_this_thread = threading.local()


@contextmanager
def within(total_s: float) -> Iterator[Alarm]:
    """Guarded connections that this thread uses inside are cut after so many real seconds."""
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


def unread_redirects(session: requests.Session) -> requests.Session:
    """A session that leaves redirects to its caller; the same object.

    Even when it follows none, requests reads the whole body of a redirect, however long it is, and
    trips over targets that are no links.
    """
    setattr(session, "get_redirect_target", lambda _response: None)  # noqa: B010 - see above
    return session


def timed_session() -> requests.Session:
    """A session to a service that we chose ourselves; its connections are cut by `within`."""
    import requests  # noqa: PLC0415 - after the fork
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - as above
    from urllib3 import connection, connectionpool  # noqa: PLC0415 - as above

    class Watched:
        def _new_conn(self: Any) -> socket.socket:
            made: socket.socket = super()._new_conn()  # type: ignore[misc] # of the mixed class
            watched(made)
            return made

        def putrequest(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.sock is not None:  # a pooled one
                watched(self.sock)
            return super().putrequest(*args, **kwargs)  # type: ignore[misc] # as above

    class Plain(Watched, connection.HTTPConnection):
        pass

    class Secure(Watched, connection.HTTPSConnection):
        pass

    class PlainPool(connectionpool.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(connectionpool.HTTPSConnectionPool):
        ConnectionCls = Secure

    class TimedAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"https": SecurePool, "http": PlainPool}

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, TimedAdapter())
    return unread_redirects(session)
