"""Incoming bodies: memory is lent as they arrive, and what nobody reads is discarded.

Only who is known gets any, and what is lent is what the bytes that came need at the peak of their
parsing: an announcement costs nothing. Every body has a time by which it must have arrived. A
caller who is not known is answered from the headers alone, and its connection ends there, see
`lib.web.connection`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from werkzeug.formparser import FormDataParser

from lib.core.errors import INVALID_REQUEST, ApiError
from lib.web import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Request, Response

    from lib.flows.memory import Loan, MemoryBudget

SMALL = 256 << 10  # counts for nothing
JSON_COPIES, FORM_COPIES = 3, 2  # as bytes, as text, as values; as bytes, and on their way on
STEP = 1 << 20  # a loan grows by so much for each copy
UNPACKED_AT_MOST = 1032  # bytes that one byte of gzip becomes, at most (zlib, "Technical Details")
BLOCK = 1 << 16
# 32 MiB arrive within 74 s, which is less than the function's own limit of 90 s.
ARRIVAL_S, SLOWEST_BYTES_PER_S = 10.0, 512 << 10
DRAIN_AT_MOST, DRAIN_S = 64 << 20, 10.0
KNOWN, WHOLE = "inbetween.known", "inbetween.whole"


class LateError(ApiError):
    """A body that did not arrive in time."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            INVALID_REQUEST,
            f"The body did not arrive within {limit_s:.0f} s. Nothing was started; send the same "
            "request again over a faster connection.",
        )


class BrokenOffError(ApiError):
    """A body that did not come to its end."""

    def __init__(self) -> None:
        super().__init__(
            INVALID_REQUEST,
            "The body broke off, or its chunks are malformed (Transfer-Encoding: chunked). Nothing "
            "was started; send the request again.",
        )


class Arriving:
    """A body on its way: memory grows with it, and it ends in time.

    Args:
        request: whose body.
        source: the body, as the server gives it.
        loan: of the bytes that came.
        limit_bytes: the largest body.
    """

    def __init__(self, request: Request, source: IO[bytes], loan: Loan, limit_bytes: int) -> None:
        self._environ, self._source, self._loan = request.environ, source, loan
        self._length, self._limit, self._came = request.content_length, limit_bytes, 0
        self._copies, self._ratio = _copies(request), _ratio(request)
        self._limit_s = ARRIVAL_S + min(self._length or limit_bytes, limit_bytes) / (
            SLOWEST_BYTES_PER_S
        )
        self._deadline: connection.Deadline | None = None

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; none at the end.

        Args:
            size: how many at most; all without it.

        Raises:
            ApiError: no memory is free, or the body is late or breaks off.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        if self._deadline is None:
            self._deadline = connection.Deadline(self._environ, self._limit_s)
        try:
            block = self._source.read(size)
        except connection.BROKEN_OFF:
            if self._deadline.passed:
                raise LateError(self._limit_s) from None
            self._environ[KNOWN] = False  # where its next request would begin, nobody knows
            raise BrokenOffError from None
        self._came += len(block)
        if self._came == self._length or (size and not block):
            self._end()
        self._lend()
        return block

    def _end(self) -> None:
        self.close()
        short = self._length is not None and self._came < self._length
        if self._deadline is not None and self._deadline.passed and (short or not self._length):
            raise LateError(self._limit_s)
        self._environ[WHOLE] = True

    def _lend(self) -> None:
        unpacked = min(self._came * self._ratio, self._limit)
        if unpacked > SMALL:
            self._loan.grow(-(-unpacked // STEP) * STEP * self._copies)

    def close(self) -> None:
        """Nothing more is read."""
        if self._deadline is not None:
            self._deadline.met()


def _copies(request: Request) -> int:
    return FORM_COPIES if request.mimetype == "multipart/form-data" else JSON_COPIES


def _ratio(request: Request) -> int:
    packed = request.headers.get("Content-Encoding", "identity").lower() == "gzip"
    return UNPACKED_AT_MOST if packed else 1


@contextmanager
def admitted(
    memory: MemoryBudget, request: Request, limit_bytes: int, source: IO[bytes] | None = None
) -> Iterator[Arriving]:
    """A known caller's body, and memory for it until its answer is made.

    Args:
        memory: of all requests.
        request: of somebody who is known.
        limit_bytes: the largest body; a larger one is refused unread, and needs none.
        source: what is left of the body where its beginning was read.

    Raises:
        ApiError: on reading: `overloaded`, or a body that is late or breaks off.
    """
    environ = request.environ
    environ[KNOWN] = True
    length = request.content_length
    most = limit_bytes if length is None or _ratio(request) > 1 else min(length, limit_bytes)
    served = environ["wsgi.input"]
    with memory.growing(most * _copies(request)) as loan:
        arriving = Arriving(request, source or served, loan, limit_bytes)
        environ["wsgi.input"] = arriving
        try:
            yield arriving
        finally:
            arriving.close()
            environ["wsgi.input"] = served


def finish(request: Request, response: Response) -> None:
    """See to what is left of a body: a known caller's is read, anybody else's connection ends.

    Args:
        request: answered.
        response: its answer, not yet sent.
    """
    environ = request.environ
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if not has_body or environ.get(WHOLE):
        request.stream = BytesIO()
        return
    known = environ.get(KNOWN) or connection.of(environ) is None
    if (not known or not _drained(request)) and connection.of(environ) is not None:
        request.stream = BytesIO()
        response.headers["Connection"] = "close"
        response.call_on_close(lambda: connection.lingering.part(environ))


def _drained(request: Request) -> bool:
    deadline = connection.Deadline(request.environ, DRAIN_S)
    whole = drain(request)
    deadline.met()
    return whole and not deadline.passed


def drain(request: Request) -> bool:
    """Read what is left of a body and discard it.

    functions-framework reads what an answer left unread, all of it and into memory.

    Returns:
        Whether its end was reached.
    """
    source, block = request.environ.get("wsgi.input"), b"..."
    if source is not None and request.environ.get("wsgi.input_terminated"):  # its end is known
        deadline, left = time.monotonic() + DRAIN_S, DRAIN_AT_MOST
        with suppress(*connection.BROKEN_OFF):
            while left > 0 and time.monotonic() < deadline and (block := source.read(BLOCK)):
                left -= len(block)
    request.stream = BytesIO()
    return not block


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
