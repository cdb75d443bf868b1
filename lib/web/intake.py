"""Incoming bodies: memory is reserved before one is read, and what nobody reads is discarded.

A body's share is what it needs at the peak of its parsing. A connection that is closed with unread
bytes is reset, and the sender never sees why: what nobody has read is read to its end, block by
block, and forgotten.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from werkzeug.formparser import FormDataParser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Request

    from lib.flows.memory import MemoryBudget

SMALL = 256 << 10  # counts for nothing
JSON_COPIES, FORM_COPIES = 3, 2  # as bytes, as text, as values; as bytes, and on their way on
BLOCK = 1 << 16
DRAIN_AT_MOST, DRAIN_S = 64 << 20, 10.0


@contextmanager
def admitted(memory: MemoryBudget, request: Request, limit_bytes: int) -> Iterator[None]:
    """Memory for this request's body until its answer is made.

    Args:
        memory: of all requests.
        request: not yet read.
        limit_bytes: the largest body; a larger one is refused unread, and needs none.

    Raises:
        ApiError: `overloaded`.
    """
    length = request.content_length
    packed = request.headers.get("Content-Encoding", "identity") != "identity"
    if packed or (length is None and "Transfer-Encoding" in request.headers):
        length = limit_bytes  # nobody knows yet
    if not length or length <= SMALL or length > limit_bytes:
        yield
        return
    form = request.mimetype == "multipart/form-data"
    with memory.held(length * (FORM_COPIES if form else JSON_COPIES)):
        yield


def drain(request: Request) -> None:
    """Read what is left of a body and discard it.

    functions-framework reads what an answer left unread, all of it and into memory: a caller
    without a key could fill an instance with a few requests.
    """
    source = request.environ.get("wsgi.input")
    if source is not None and request.environ.get("wsgi.input_terminated"):  # its end is known
        deadline, left = time.monotonic() + DRAIN_S, DRAIN_AT_MOST
        with suppress(OSError):  # the sender has gone
            while left > 0 and time.monotonic() < deadline and (block := source.read(BLOCK)):
                left -= len(block)
    request.stream = BytesIO()


class InMemory(FormDataParser):
    """A form's files as bytes in memory, once.

    A file in `/tmp` is memory, too, in a function (Cloud Run functions, "File system"), and would
    be read into memory besides.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "stream_factory": _in_memory})


def _in_memory(*_args: object, **_options: object) -> IO[bytes]:
    return BytesIO()


def content(file: IO[bytes]) -> bytes:
    """The bytes of a form's file; those of a file in memory are not copied."""
    return file.getvalue() if isinstance(file, BytesIO) else file.read()
