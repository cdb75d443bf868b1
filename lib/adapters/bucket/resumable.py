"""A resumable upload in constant memory: a chunk that got lost is sent again, not the whole object.

Rests on the storage client's own `ResumableUpload`, which knows the protocol (Cloud Storage,
"Resumable uploads"): after a failure the session is asked where it stands (`Content-Range: bytes
*/*`) and goes on from there. What the client leaves open is here: how often, how long, and that a
chunk of which the session kept only a part is topped up (the client's writer forgets the rest).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import map_errors
from lib.core.errors import STORAGE_UNAVAILABLE, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK_BYTES = 8 * 1024 * 1024
# Connect, read. A body is written under the first of the two: 8 MiB in 20 s are 3.4 Mbit/s.
TIMEOUT_S = (20.0, 20.0)
# Four tries of a chunk; a try that brought the session forward begins a new count. The first comes
# at once: most refusals are of one server among many.
PAUSES_S = (0.01, 0.3, 1.0)
DONE, INCOMPLETE = frozenset({200, 201}), 308


class Resumable:
    """One upload of one new object.

    Args:
        blob: of the storage client, with its bucket.
        content_type: of the object.
        sleep: waits between two tries.
        alive: called before each further try; an exception from there ends the upload.
    """

    def __init__(
        self,
        blob: Any,
        content_type: str,
        *,
        sleep: Callable[[float], None],
        alive: Callable[[], None],
    ) -> None:
        self._blob, self._type = blob, content_type
        self._sleep, self._alive = sleep, alive
        self._window = _Window()
        self._upload: Any = None
        self._transport: Any = None
        self._last = self._done = False

    def send(self, chunks: Iterable[bytes], confirm: Callable[[], None]) -> None:
        """Send everything; the object exists when this returns.

        Args:
            chunks: its bytes in order.
            confirm: called when all but the last chunk was sent.

        Raises:
            Conflict: the object exists.
            ApiError: the bucket does not answer; after `confirm` the object may exist.
        """
        for data in chunks:
            self._window.write(data)
            # One byte more: whether a chunk is the last must be known when it is sent.
            while self._window.left > CHUNK_BYTES:
                self._retry(self._transmit)
        if self._upload is None:
            self._retry(self._begin)
        confirm()
        self._last = True
        self._upload._total_bytes = self._window.end  # noqa: SLF001 - a full chunk may be the last
        while not self._done:
            self._retry(self._transmit)

    def abandon(self) -> None:
        """Cancel for good; a session that cannot be reached ends by itself after a week."""
        if self._upload is None or self._done:
            return
        with suppress(Exception):  # whatever ended the upload is what is raised
            self._transport.request("DELETE", self._upload.resumable_url)

    def _retry(self, step: Callable[[], None]) -> None:
        failed = 0
        while True:
            stood = self._window.start
            try:
                if failed and self._upload is not None:
                    map_errors(self._recover)
                if not self._done:
                    map_errors(step)
            except ApiError:
                failed = 1 if self._window.start > stood else failed + 1
                if failed > len(PAUSES_S):
                    raise
                self._sleep(PAUSES_S[failed - 1])
                self._alive()
            else:
                return

    def _begin(self) -> None:
        begin = self._blob._initiate_resumable_upload  # noqa: SLF001 - its public callers own the stream
        upload, transport = begin(
            self._blob.client,
            self._window,
            self._type,
            None,
            chunk_size=CHUNK_BYTES,
            if_generation_match=0,
            timeout=TIMEOUT_S,
            retry=None,
        )
        self._upload, self._transport = upload, _Bounded(transport)

    def _transmit(self) -> None:
        from google.cloud.storage.exceptions import InvalidResponse  # a copy's only

        if self._upload is None:
            self._begin()
        if not self._last and self._window.left <= CHUNK_BYTES:
            return  # the session had it already; sent now, it would pass for the last
        if not self._window.left:
            raise _unfinished()
        try:
            self._upload.transmit_next_chunk(self._transport, timeout=TIMEOUT_S)
        except InvalidResponse as answer:
            if answer.response.status_code == INCOMPLETE:  # it kept nothing of it
                raise _unfinished() from answer
            raise
        self._take_position()

    def _recover(self) -> None:
        """Ask the session where it stands.

        The next chunk begins there; if the last one's answer was lost, the object is there already.
        """
        from google.cloud.storage.exceptions import InvalidResponse  # a copy's only

        try:
            self._upload.recover(self._transport)
        except InvalidResponse as answer:
            if answer.response.status_code not in DONE:
                raise
            self._done = True
            return
        self._take_position()

    def _take_position(self) -> None:
        self._done = self._done or self._upload.finished
        if not self._done:
            position = self._upload.bytes_uploaded
            if not self._window.start <= position <= self._window.end:
                raise _unfinished()
            self._window.forget(position)


def _unfinished() -> ApiError:
    return ApiError(STORAGE_UNAVAILABLE, "The bucket lost a part of an upload; it begins again.")


class _Bounded:
    """A transport with our timeouts for all; the client's status check knows only its own."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self._transport.request(method, url, **{**options, "timeout": TIMEOUT_S})


class _Window:
    """The bytes that the session has not confirmed, as the stream that the client reads."""

    def __init__(self) -> None:
        self.start, self._at, self._data = 0, 0, bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self._data)

    @property
    def left(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._data += data

    def tell(self) -> int:
        return self._at

    def seek(self, at: int) -> None:
        self._at = at

    def read(self, size: int) -> bytes:
        begin = self._at - self.start
        with memoryview(self._data) as view:  # one copy of a chunk, not two
            data = bytes(view[begin : begin + size])
        self._at += len(data)
        return data

    def forget(self, before: int) -> None:
        """Drop what the session has; go on there."""
        del self._data[: before - self.start]
        self.start = self._at = before
