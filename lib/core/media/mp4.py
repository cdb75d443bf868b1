"""Whether bytes are a whole, playable film, judged while they stream past.

Reads the boxes of ISO/IEC 14496-12 (ftyp, moov, moof, mdat), never the pictures. Keeps `moov` (some
kilobytes) and one `moof` at a time, nothing else. Refuses what is cut, damaged or without pictures;
what is whole but not as ordered is a film, and `differences` says what is different about it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lib.core.catalogue import SECONDS
from lib.core.media.boxes import HEADER, LONG_HEADER, Damaged, Movie, Track, movie, seconds
from lib.core.media.fragments import Run, fragment

TOLERANCE_S = 0.1
KEPT_AT_MOST = 8 * 1024 * 1024
H264 = frozenset({"avc1", "avc2", "avc3", "avc4"})
_KEPT = frozenset({b"ftyp", b"moov", b"moof"})
_ONCE = frozenset({b"moov"})
# What a film can begin with; files from before there was a file type box have none (4.3.1).
_MAY_BE_FIRST = frozenset(
    {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"}
)
_NEEDED = frozenset({b"moov", b"moof", b"mdat"})


class NotTheFilm(Exception):
    """The bytes are not a complete, playable film; the message says why."""


class CutOff(NotTheFilm):
    """They end inside a box: whether the rest is missing or never was, their sender must know."""


@dataclass(frozen=True)
class FilmFacts:
    """What the container says of itself.

    Attributes:
        duration_s: of the movie, seconds; 0 when it does not say.
        width: pixels.
        height: pixels.
        samples: number of coded pictures.
        codec: the four letters of the picture track's sample entry, `avc1` for H.264.
        tracks: how many there are.
        sound: whether one of them is sound.
    """

    duration_s: float
    width: int
    height: int
    samples: int
    codec: str = "avc1"
    tracks: int = 1
    sound: bool = False


class Probe:
    """Fed with the bytes of a file in order, tells at the end what it was."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._endless, self._begun = False, False
        self._kind = b""
        self._seen: set[bytes] = set()
        self._kept = bytearray()
        self._movie: Movie | None = None
        self._runs: dict[int, Run] = {}
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
            inside = self._left or self._endless
            view = view[self._consume(view) :] if inside else self._open(view)

    def _consume(self, view: memoryview) -> int:
        size = len(view) if self._endless else min(self._left, len(view))
        if self._kind in _KEPT:
            self._kept += view[:size]
            self._check_kept(len(self._kept))
        elif self._kind == b"mdat":
            self._media_bytes += size
        if not self._endless:
            self._left -= size
            if not self._left:
                self._close()
        return size

    def _open(self, view: memoryview) -> memoryview:
        needed = LONG_HEADER if self._head[:4] == b"\0\0\0\1" else HEADER
        take = needed - len(self._head)
        self._head += bytes(view[:take])
        rest = view[take:]
        if len(self._head) < HEADER:
            return rest
        size, kind = struct.unpack(">I4s", self._head[:HEADER])
        if size == 1:
            if len(self._head) < LONG_HEADER:
                return rest
            (size,) = struct.unpack(">Q", self._head[HEADER:])
        header = len(self._head)
        self._head = b""
        self._begin(kind, size, header)
        return rest

    def _begin(self, kind: bytes, size: int, header: int) -> None:
        if not self._begun and kind not in _MAY_BE_FIRST:
            raise NotTheFilm("it does not begin like an MP4 (no ftyp box)")
        self._begun = True
        # A length of 0 reaches to the end of the file (4.2); so does what programs leave there.
        left_over = size < header and kind not in _NEEDED and self._movie is not None
        self._endless = size == 0 or left_over
        if not self._endless and size < header:
            raise NotTheFilm(f"the box {kind!r} has an impossible length")
        if kind in _ONCE & self._seen:
            raise NotTheFilm(f"the box {kind!r} comes twice")
        self._seen.add(kind) if kind in _KEPT else None
        self._kind, self._left = kind, max(size - header, 0)
        if kind in _KEPT:
            self._check_kept(self._left)
        if not self._left and not self._endless:
            self._close()

    def _check_kept(self, size: int) -> None:
        if size > KEPT_AT_MOST:
            raise NotTheFilm(f"the box {self._kind!r} is longer than {KEPT_AT_MOST} bytes")

    def _close(self) -> None:
        """A box is there as a whole."""
        body, self._kept = self._kept, bytearray()
        try:
            if self._kind == b"moov":
                self._movie = movie(bytes(body))
            elif self._kind == b"moof":
                fragment(bytes(body), self._runs)
        except Damaged as error:
            raise NotTheFilm(f"its {self._kind.decode('ascii')} box is damaged") from error

    def film(self) -> FilmFacts:
        """The judgement over everything that was fed.

        Raises:
            CutOff: the end is missing.
            NotTheFilm: no film, no picture track, pictures missing, or damaged.
        """
        if self._endless and self._kind in _KEPT:
            self._close()
        cut = self._left and self._kind in _NEEDED
        if cut or ((self._left or self._head) and self._movie is None):
            raise CutOff(f"it is cut off after {self.size} bytes")
        if self._movie is None or not self._media_bytes:
            raise NotTheFilm("it has no film in it (no moov or no mdat box)")
        pictures = [track for track in self._movie.tracks if track.handler == "vide"]
        if not pictures:
            raise NotTheFilm("it has no picture track")
        sounds = [track for track in self._movie.tracks if track.handler == "soun"]
        if sum(self._coded_bytes(track) for track in (*pictures, *sounds)) > self._media_bytes:
            raise NotTheFilm("pictures are missing (mdat is shorter than its table)")
        return self._film(self._movie, pictures[0], sound=bool(sounds))

    def _film(self, told: Movie, track: Track, *, sound: bool) -> FilmFacts:
        run = self._runs.get(track.number, Run())
        samples = track.samples + run.samples
        if not samples:
            raise NotTheFilm("its picture track has no pictures")
        default_ticks, _size = told.defaults.get(track.number, (0, 0))
        ticks = run.ticks + run.untimed * default_ticks
        # A fragmented file is written before its length is known: mvhd then says 0, or what came
        # before the first fragment.
        in_runs_s = seconds(ticks, track.scale)
        duration_s = max(told.duration_s, in_runs_s) or seconds(track.ticks, track.scale)
        return FilmFacts(
            duration_s,
            track.width,
            track.height,
            samples,
            track.codec,
            len(told.tracks),
            sound,
        )

    def _coded_bytes(self, track: Track) -> int:
        run = self._runs.get(track.number, Run())
        _ticks, default = self._movie.defaults.get(track.number, (0, 0)) if self._movie else (0, 0)
        return track.bytes + run.bytes + run.unsized * default


def differences(film: FilmFacts, size: tuple[int, int]) -> tuple[str, ...]:
    """What about a whole film is not as ordered, as sentences for its owner.

    Args:
        film: what the container says.
        size: width and height that were expected.
    """
    found = []
    if not film.duration_s:
        found.append(f"The film does not say how long it is; {SECONDS} s were ordered.")
    elif abs(film.duration_s - SECONDS) > TOLERANCE_S:
        found.append(f"The film lasts {film.duration_s:.2f} s; {SECONDS} s were ordered.")
    if film.tracks > 1:
        sound = ", sound among them" if film.sound else ""
        found.append(f"The film has {film.tracks} tracks{sound}; one silent track was expected.")
    if film.codec not in H264:
        found.append(
            f"The film's codec is {film.codec!r} instead of H.264; not every browser plays it."
        )
    if (film.width, film.height) != tuple(size):
        found.append(f"The film is {film.width}x{film.height}; {size[0]}x{size[1]} was expected.")
    return tuple(found)
