"""A WSGI app on a loopback port: HTTP/1.1 with keep-alive, and connections that an app may cut.

Carries the raw request target (`REQUEST_URI`), because object names may hold `%2F`, `//` and dot
segments that a decoded path loses. An app cuts the connection by raising `Dropped`. It knows
nothing of what the apps do.
"""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Any, Self, cast
from urllib.parse import unquote

from werkzeug.serving import DechunkedInput
from werkzeug.wsgi import LimitedStream

from lib.emulator.body import Dropped
from lib.emulator.callers import Callers
from lib.emulator.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # _typeshed exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BLOCK = 1 << 16
_DRAIN_AT_MOST = 1 << 20  # an unread body above this costs the connection
STOP_WITHIN_S = 0.1


class _Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 with keep-alive, chunked bodies both ways, and abortive cuts.

    The standard library's handler under werkzeug's closes after every answer, and the threaded WSGI
    servers tried reset connections when 32 clients came at once; both would be the emulator's fault
    in a test of something else.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every small answer waits 40 ms for an ACK
    wbufsize = -1  # head and body leave in one segment
    timeout = 600
    app: staticmethod[[WSGIEnvironment, StartResponse], Iterable[bytes]]
    now: staticmethod[[], float]

    def date_time_string(self, timestamp: float | None = None) -> str:
        """An HTTP date, by default by the emulated clock (RFC 9110, section 6.6.1)."""
        return formatdate(self.now() if timestamp is None else timestamp, usegmt=True)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if not self._has_a_good_length():
            self.send_error(400, "Content-Length is no number")
            return False
        self.__dict__["do_" + self.command] = self._answer  # every method, invented ones too
        return True

    def _has_a_good_length(self) -> bool:
        """RFC 9110, section 8.6: decimal digits; several must agree, and one is none too large."""
        found = {whole(text.strip(" \t")) for text in self.headers.get_all("Content-Length") or ()}
        return len(found) < 2 and all(size is not None and size < 1 << 62 for size in found)  # noqa: PLR2004 - several

    def log_message(self, *_args: object) -> None:
        """Write nothing: the emulators report on their own page."""

    def _answer(self) -> None:
        body = self._body()
        try:
            self._send(body)
        except Dropped:
            self._cut()
        except OSError:
            self.close_connection = True
        else:
            self._drain(body)

    def _body(self) -> io.BufferedReader:
        source = cast("IO[bytes]", self.rfile)
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return io.BufferedReader(cast("io.RawIOBase", DechunkedInput(source)))
        length = int(self.headers.get("Content-Length") or 0)
        return io.BufferedReader(cast("io.RawIOBase", LimitedStream(source, length)))

    def _drain(self, body: io.BufferedReader) -> None:
        # What the app did not read would be taken for the next request.
        rest = 0
        while not self.close_connection and (chunk := body.read(_BLOCK)):
            rest += len(chunk)
            self.close_connection = rest > _DRAIN_AT_MOST

    def _environ(self, body: io.BufferedReader) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        host, port = cast("tuple[str, int]", self.server.server_address)
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.path,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name in set(self.headers.keys()):
            value = ",".join(self.headers.get_all(name) or ())
            key = name.upper().replace("-", "_")
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
        return environ

    def _send(self, body: io.BufferedReader) -> None:
        head: dict[str, Any] = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> Any:
            head["status"], head["headers"] = status, headers
            return lambda _data: None

        chunks = self.app(self._environ(body), cast("StartResponse", start_response))
        try:
            chunked = self._head(head["status"], head["headers"])
            for chunk in chunks:
                if chunk and self.command != "HEAD":
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        finally:
            getattr(chunks, "close", lambda: None)()

    def _head(self, status: str, headers: list[tuple[str, str]]) -> bool:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        bodiless = self.command == "HEAD" or code in {"204", "304"}
        chunked = not bodiless and "content-length" not in names
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        return chunked

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        # An abortive close, so that a client sees a reset and not an empty answer.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.wfile = io.BytesIO()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # 32 clients at once must not see a refused connection


class Server:
    """A WSGI app on a loopback port, a thread for each connection.

    Args:
        app: the WSGI application.
        port: the port; 0 takes a free one.
        host: the address to bind; loopback by default.
        callers: who may call; this machine by default.
        now: Unix seconds, for the `Date` of answers that the app gave none.
    """

    def __init__(
        self,
        app: WSGIApplication,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        callers: Callers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        bound = {"app": staticmethod((callers or Callers()).only(app)), "now": staticmethod(now)}
        handler = type("_Bound", (_Handler,), bound)
        self._server = _Listener((host, port), handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_WITHIN_S,), daemon=True
        )

    def start(self) -> Self:
        """Serve in the background; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop accepting and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()
