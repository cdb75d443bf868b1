"""Whether bytes are the film we paid for, judged while they stream past.

Reads the box structure of ISO/IEC 14496-12 (ftyp, moov, mdat), never the pictures. Keeps `moov`
(some kilobytes) and nothing else in memory. Refuses what is cut, has no H.264 track, has sound, or
does not last five seconds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DURATION_S = 5.0
TOLERANCE_S = 0.1
MOOV_AT_MOST = 8 * 1024 * 1024
_HEADER, _LONG_HEADER = 8, 16
_KEPT = frozenset({b"ftyp", b"moov"})


class NotTheFilm(Exception):  # noqa: N818 - a verdict on bytes
    """The bytes are not a complete, playable film of ours; the message says why."""


@dataclass(frozen=True)
class Film:
    """What the container says of itself.

    Attributes:
        duration_s: of the movie, seconds.
        width: pixels.
        height: pixels.
        samples: number of coded pictures.
    """

    duration_s: float
    width: int
    height: int
    samples: int


class Probe:
    """Fed with the bytes of a file in order, tells at the end what it was."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._kind = b""
        self._kept: dict[bytes, bytearray] = {}
        self._media_bytes = 0
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            NotTheFilm: they cannot belong to an MP4.
        """
        self.size += len(data)
        view = memoryview(data)
        while view:
            view = view[self._consume(view) :] if self._left else self._open(view)

    def _consume(self, view: memoryview) -> int:
        size = min(self._left, len(view))
        if self._kind in _KEPT:
            self._kept[self._kind] += view[:size]
        elif self._kind == b"mdat":
            self._media_bytes += size
        self._left -= size
        return size

    def _open(self, view: memoryview) -> memoryview:
        needed = _LONG_HEADER if self._head[:4] == b"\0\0\0\1" else _HEADER
        take = needed - len(self._head)
        self._head += bytes(view[:take])
        rest = view[take:]
        if len(self._head) < _HEADER:
            return rest
        size, kind = struct.unpack(">I4s", self._head[:_HEADER])
        if size == 1:
            if len(self._head) < _LONG_HEADER:
                return rest
            (size,) = struct.unpack(">Q", self._head[_HEADER:])
        header = len(self._head)
        self._head = b""
        self._begin(kind, size, header)
        return rest

    def _begin(self, kind: bytes, size: int, header: int) -> None:
        if not self._kept and kind != b"ftyp":
            raise NotTheFilm("it does not begin like an MP4 (no ftyp box)")
        if size < header:
            raise NotTheFilm(f"the box {kind!r} has an impossible length")
        if kind in _KEPT:
            if kind in self._kept:
                raise NotTheFilm(f"the box {kind!r} comes twice")
            if size > MOOV_AT_MOST:
                raise NotTheFilm(f"the box {kind!r} is {size} bytes long")
            self._kept[kind] = bytearray()
        self._kind, self._left = kind, size - header

    def film(self) -> Film:
        """The judgement over everything that was fed.

        Raises:
            NotTheFilm: cut, no video, sound, wrong codec or wrong duration.
        """
        if self._left or self._head:
            raise NotTheFilm(f"it is cut off after {self.size} bytes")
        if b"moov" not in self._kept or not self._media_bytes:
            raise NotTheFilm("it has no film in it (no moov or no mdat box)")
        try:
            film, coded_bytes = _movie(bytes(self._kept[b"moov"]))
        except (struct.error, IndexError, KeyError, ZeroDivisionError) as error:
            raise NotTheFilm("its moov box is damaged") from error
        if coded_bytes > self._media_bytes:
            raise NotTheFilm("pictures are missing (mdat is shorter than its table)")
        if abs(film.duration_s - DURATION_S) > TOLERANCE_S:
            raise NotTheFilm(f"it lasts {film.duration_s:.3f} s instead of {DURATION_S:g} s")
        return film


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + _HEADER <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < _HEADER or at + size > len(data):
            raise KeyError(kind)
        yield kind, data[at + _HEADER : at + size]
        at += size


def _inside(data: bytes, *path: bytes) -> bytes:
    for name in path:
        data = next(body for kind, body in [*_boxes(data), (name, b"")] if kind == name)
    return data


def _movie(moov: bytes) -> tuple[Film, int]:
    header = _inside(moov, b"mvhd")
    if header[0]:
        scale, duration = struct.unpack_from(">IQ", header, 20)
    else:
        scale, duration = struct.unpack_from(">II", header, 12)
    tracks = [body for kind, body in _boxes(moov) if kind == b"trak"]
    if len(tracks) != 1:
        raise NotTheFilm(f"it has {len(tracks)} tracks; one silent picture track is expected")
    media = _inside(tracks[0], b"mdia")
    if _inside(media, b"hdlr")[8:12] != b"vide":
        raise NotTheFilm("its only track is not a video track")
    table = _inside(media, b"minf", b"stbl")
    description = _inside(table, b"stsd")
    codec = description[12:16]
    if codec not in {b"avc1", b"avc3"}:
        raise NotTheFilm(f"its codec is {codec.decode('latin-1')!r} instead of H.264")
    # VisualSampleEntry: width and height lie 24 bytes behind the entry's header.
    width, height = struct.unpack_from(">HH", description, 8 + 8 + 24)
    fixed, samples = struct.unpack_from(">II", _inside(table, b"stsz"), 4)
    sizes = struct.unpack_from(f">{0 if fixed else samples}I", _inside(table, b"stsz"), 12)
    coded_bytes = fixed * samples or sum(sizes)
    return Film(duration / scale, width, height, samples), coded_bytes
