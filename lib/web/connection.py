"""The connection below a request: reads that end in time, and an end that keeps no thread.

A server reads a body with calls that last for as long as a peer sends a byte now and then; only
the socket itself can end them. A connection that is closed with unread bytes is reset, and the
sender never sees its answer (RFC 9112, section 9.6): what still comes is discarded by one thread
for all such connections, within bounds. Refuses nothing: where a server does not show its socket,
reads last as long as the server lets them.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

try:
    from gunicorn.http.errors import ParseException
except ImportError:  # without gunicorn (Windows) the framework serves with werkzeug's
    ParseException = ConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A sender that has gone, or chunks that are none (RFC 9112, section 7.1).
BROKEN_OFF: tuple[type[Exception], ...] = (OSError, ParseException)
SOCKETS = ("gunicorn.socket", "werkzeug.socket")
LINGER_S = 10.0
LINGER_AT_MOST_BYTES = 256 << 20
LINGERING_AT_MOST = 256  # connections
BLOCK = 1 << 16
POLICIES_AT_MOST = 4  # forms whose sender is not known yet, read at a time


def of(environ: Mapping[str, Any]) -> socket.socket | None:
    """The socket of a request; None where the server does not show it.

    Args:
        environ: as the server made it.
    """
    found = next((environ[name] for name in SOCKETS if name in environ), None)
    return found if isinstance(found, socket.socket) else None


class Deadline:
    """A time after which the reads of a connection find its end; what was sent is still answered.

    Args:
        environ: as the server made it.
        limit_s: how long reads may last together, seconds.

    Attributes:
        passed: whether the reads were ended.
    """

    def __init__(self, environ: Mapping[str, Any], limit_s: float) -> None:
        self.passed = False
        self._socket = of(environ)
        self._timer = threading.Timer(limit_s, self.end)
        self._timer.daemon = True
        if self._socket is not None:
            self._timer.start()

    def end(self) -> None:
        """End the reads now."""
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):  # it has gone
                self._socket.shutdown(socket.SHUT_RD)

    def met(self) -> None:
        """Nothing more is read."""
        self._timer.cancel()


class UnprovenReads:
    """Reads of senders who are not known yet: so many at a time; the oldest makes way.

    Whoever is honest sends what identifies it in the first packets, and is gone before others come.

    Args:
        at_most: reads at a time.
    """

    def __init__(self, at_most: int = POLICIES_AT_MOST) -> None:
        self._at_most = at_most
        self._reads: list[Deadline] = []
        self._lock = threading.Lock()

    @contextmanager
    def deadline(self, environ: Mapping[str, Any], limit_s: float) -> Iterator[Deadline]:
        """A deadline that comes earlier when others wait.

        Args:
            environ: as the server made it.
            limit_s: seconds.
        """
        read = Deadline(environ, limit_s)
        with self._lock:
            self._reads.append(read)
            oldest = self._reads.pop(0) if len(self._reads) > self._at_most else None
        if oldest is not None:
            oldest.end()
        try:
            yield read
        finally:
            read.met()
            with self._lock, suppress(ValueError):  # it made way
                self._reads.remove(read)


class Lingering:
    """Connections that are over for us: their senders read the answer, and we discard the rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._selector: selectors.BaseSelector | None = None
        self._pid = 0

    def part(self, environ: Mapping[str, Any]) -> None:
        """Take a connection from its server, which finds it closed by the peer.

        Args:
            environ: of a request whose answer is out.
        """
        served = of(environ)
        if served is None:
            return
        with suppress(OSError):  # it has gone
            taken = served.dup()
            # The server closes its number at once, and waits for nobody: it is another connection.
            ours, closed = socket.socketpair()
            closed.close()
            os.dup2(ours.fileno(), served.fileno())
            ours.close()
            taken.settimeout(0)
            with suppress(OSError):
                taken.shutdown(socket.SHUT_WR)
            self._adopt(taken)

    def _adopt(self, taken: socket.socket) -> None:
        with self._lock:
            if self._selector is None or self._pid != os.getpid():  # threads end at a fork
                self._selector, self._pid = selectors.DefaultSelector(), os.getpid()
                arguments = (self._selector,)
                threading.Thread(target=self._discard, args=arguments, daemon=True).start()
            if len(self._selector.get_map()) >= LINGERING_AT_MOST:
                taken.close()
                return
            until = time.monotonic() + LINGER_S
            self._selector.register(taken, selectors.EVENT_READ, [until, LINGER_AT_MOST_BYTES])

    def _discard(self, selector: selectors.BaseSelector) -> None:
        block = bytearray(BLOCK)
        while True:
            with suppress(OSError):
                for key, _ in selector.select(timeout=0.25):
                    _read(key, block)
            now = time.monotonic()
            with self._lock:
                for key in list(selector.get_map().values()):
                    if now > key.data[0] or key.data[1] <= 0:
                        selector.unregister(key.fileobj)
                        _close(key)


def _read(key: selectors.SelectorKey, block: bytearray) -> None:
    """Discard what is there; nothing more is wanted of a connection that has ended."""
    taken = key.fileobj
    if not isinstance(taken, socket.socket):
        return
    try:
        count = taken.recv_into(block)
    except BlockingIOError:
        return
    except OSError:
        count = 0
    key.data[1] = key.data[1] - count if count else 0


def _close(key: selectors.SelectorKey) -> None:
    if isinstance(key.fileobj, socket.socket):
        key.fileobj.close()


lingering = Lingering()
