"""A video on its way into the bucket: counted, checked and judged while it passes.

Keeps nothing of it but running sums. Says at the end whether it may come to exist, and of what is
refused whether the same again could help. Neither fetches nor stores.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from lib.core.media.mp4 import CutOff, FilmFacts, NotTheFilm, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

VIDEO_AT_MOST = 512 * 1024 * 1024


class NotDelivered(Exception):
    """The video could not be stored as it should be; the message says why."""


class Unusable(NotDelivered):
    """All of it came, and it is no video that can be kept: the same again will not help."""


class Incoming:
    """The bytes of a video, in order, once.

    Args:
        chunks: from the source; an empty one only asks whether to go on.
        length: how many bytes the source declared; None when it did not.
        still_ours: whether this copy may go on.
    """

    def __init__(
        self, chunks: Iterable[bytes], length: int | None, still_ours: Callable[[], bool]
    ) -> None:
        self._chunks, self._length, self._still_ours = chunks, length, still_ours
        self._probe, self._crc = Probe(), Crc32c()
        self.film: FilmFacts

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, each judged before it goes on.

        Raises:
            NotTheFilm: they are no MP4, or too many.
            NotDelivered: this copy may not go on.
        """
        self._limit(self._length or 0)
        for chunk in self._chunks:
            self.alive()
            if chunk:
                self._probe.feed(chunk)
                self._crc.update(chunk)
                self._limit(self.size)
                yield chunk

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._probe.size

    @property
    def crc32c(self) -> str:
        """Of the bytes so far, as the bucket prints it."""
        return self._crc.base64()

    def alive(self) -> None:
        """Ask whether this copy may go on.

        Raises:
            NotDelivered: it may not.
        """
        if not self._still_ours():
            raise NotDelivered("the lease on this copy ended")

    def confirm(self) -> None:
        """The judgement over all of it, before the video comes to exist.

        Raises:
            NotTheFilm: it is no whole, playable film.
            NotDelivered: bytes are missing, or this copy may not go on.
        """
        if self._length is not None and self.size != self._length:
            raise NotDelivered(f"{self.size} of {self._length} bytes arrived")
        self.film = self._probe.film()
        self.alive()

    def refusal(self, reason: NotTheFilm) -> NotDelivered:
        """What a judgement means; without a declared length the end may be lost on the way."""
        passing = self._length is None and isinstance(reason, CutOff)
        return (NotDelivered if passing else Unusable)(str(reason))

    def _limit(self, size: int) -> None:
        if size > VIDEO_AT_MOST:
            raise NotTheFilm(f"it is larger than {VIDEO_AT_MOST} bytes")


class Crc32c:
    """A running CRC32C, printed as the bucket prints it."""

    def __init__(self) -> None:
        import google_crc32c  # only a copy needs it

        self._sum: Any = google_crc32c.Checksum()

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._sum.update(data)

    def base64(self) -> str:
        """The sum so far."""
        return base64.b64encode(self._sum.digest()).decode()
