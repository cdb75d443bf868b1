"""A transport for `requests` that calls a WSGI app in this process, without a socket.

Carries the raw request target (`REQUEST_URI`), because object names may hold `%2F`, `//` and dot
segments that a decoded path loses. An app cuts the connection by raising `Dropped`. It knows
nothing of what the apps do.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from lib.emulator.body import Body, Dropped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    # _typeshed exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ADAPTER = requests.adapters.HTTPAdapter()  # makes answers; a pool for each would be wasted


class InProcess(BaseAdapter):
    """A `requests` transport that calls a WSGI app instead of opening a socket.

    Mount it on the session under test: `session.mount("http://storage.test", InProcess(app))`.

    Args:
        app: the WSGI application that answers.
    """

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self._app = app

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Answer one prepared request.

        Args:
            request: what to answer.
            args: the options of `requests` by position; `stream` is the first.
            options: the same by name; all but `stream` have no meaning without a socket.

        Raises:
            requests.ConnectionError: the app cut the connection.
        """
        answer: dict[str, Any] = {}

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> Any:
            answer["status"], answer["headers"] = status, headers
            return lambda _data: None

        try:
            chunks = self._app(_environ(request), cast("StartResponse", start_response))
            body = Body(iter(chunks), chunks)
        except Dropped as dropped:
            raise requests.ConnectionError(str(dropped), request=request) from dropped
        response = _response(request, answer, body)
        if not (args[0] if args else options.get("stream")):
            _ = response.content
        return response

    def close(self) -> None:
        """Nothing is held open."""


def _environ(request: requests.PreparedRequest) -> WSGIEnvironment:
    url = urlsplit(str(request.url))
    body = _body_bytes(request.body)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1") or "/",
        "QUERY_STRING": url.query,
        "REQUEST_URI": (url.path or "/") + (f"?{url.query}" if url.query else ""),
        "SERVER_NAME": url.hostname or "localhost",
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
    }
    environ.update(_header_variables(request.headers))
    return environ


def _header_variables(headers: Mapping[str, str | bytes]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():  # resumable-media passes bytes
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            yield "CONTENT_TYPE", text
        elif key not in {"CONTENT_LENGTH", "HOST", "TRANSFER_ENCODING"}:
            yield f"HTTP_{key}", text


def _body_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return cast("bytes", body.read())
    return b"".join(body)


def _response(
    request: requests.PreparedRequest, answer: Mapping[str, Any], body: Body
) -> requests.Response:
    code, _, reason = answer["status"].partition(" ")
    headers = HTTPHeaderDict(answer["headers"])
    raw = HTTPResponse(
        body=body,
        headers=headers,
        status=int(code),
        reason=reason,
        preload_content=False,
        decode_content=False,
        request_method=request.method,
        enforce_content_length=True,
    )
    return _ADAPTER.build_response(request, raw)
