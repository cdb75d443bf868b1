"""What the `moov` box of an MP4 says: tracks, codec, size, duration, bytes of pictures.

Reads the structures of ISO/IEC 14496-12 (section numbers stand with each reader), never the
pictures. Nothing in them can be trusted: whatever does not fit into its box raises `Damaged`,
and nothing here takes more memory than a few copies of the box.
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DURATION_AT_MOST_S = 24 * 3600.0  # a longer one counts as not known
TRACKS_AT_MOST = 64
HALF_BITS, BYTE_BITS, WORD_BITS = 4, 8, 16  # widths of a size in `stz2` (8.7.3)
BOXES_AT_MOST = 4096  # beside each other; films have about ten
HEADER, LONG_HEADER = 8, 16  # bytes before the contents of a box
_UNKNOWN = (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)  # durations that stand for "not known yet"


class Damaged(Exception):
    """A box whose contents cannot be."""


@dataclass(frozen=True)
class Track:
    """One track of a film.

    Attributes:
        number: its id, which fragments name.
        handler: `vide`, `soun` or another kind, as text.
        codec: the four letters of its first sample entry.
        width: pixels; 0 where it is no picture.
        height: pixels; 0 where it is no picture.
        samples: in the table of `moov`.
        bytes: of those samples.
        scale: ticks in a second.
        ticks: its duration; 0 when it does not say.
    """

    number: int
    handler: str
    codec: str
    width: int
    height: int
    samples: int
    bytes: int
    scale: int
    ticks: int


@dataclass(frozen=True)
class Movie:
    """What `moov` says.

    Attributes:
        tracks: in their order.
        duration_s: of the whole, seconds; 0 when it does not say.
        defaults: track id to the default duration (ticks) and size (bytes) of fragments' samples.
    """

    tracks: tuple[Track, ...]
    duration_s: float
    defaults: dict[int, tuple[int, int]] = field(default_factory=dict)


def movie(moov: bytes) -> Movie:
    """Read the contents of a `moov` box.

    Raises:
        Damaged: they cannot be.
    """
    try:
        inside = list(boxes(memoryview(moov)))
        header = only(inside, b"mvhd")
        traks = [body for kind, body in inside if kind == b"trak"]
        tracks = [_track(body) for body in traks[:TRACKS_AT_MOST]]
        extends = next((list(boxes(body)) for kind, body in inside if kind == b"mvex"), [])
        scale, ticks = _scale_and_duration(header)
        for kind, body in extends:
            if kind == b"mehd" and ticks in _UNKNOWN:
                ticks = _long(body, 4)
        trex = [struct.unpack_from(">IIII", body, 4) for kind, body in extends if kind == b"trex"]
        defaults = {number: (ticks, size) for number, _entry, ticks, size in trex[:TRACKS_AT_MOST]}
        return Movie(tuple(tracks), seconds(ticks, scale), defaults)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise Damaged from error


def seconds(ticks: int, scale: int) -> float:
    """A duration in seconds; 0 for one that is not known or cannot be."""
    if ticks in _UNKNOWN or not scale:
        return 0.0
    found = ticks / scale
    return found if found <= DURATION_AT_MOST_S else 0.0


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes beside each other in some bytes: kind and contents (4.2).

    Raises:
        Damaged: one does not fit, or there are too many.
    """
    at = count = 0
    while at + HEADER <= len(data):
        count += 1
        size, kind = struct.unpack_from(">I4s", data, at)
        header = HEADER
        if size == 1:
            (size,), header = struct.unpack_from(">Q", data, at + HEADER), LONG_HEADER
        elif size == 0:  # to the end; QuickTime also ends lists of boxes with it
            size = len(data) - at
        if size < header or at + size > len(data) or count > BOXES_AT_MOST:
            raise Damaged
        yield kind, data[at + header : at + size]
        at += size


def only(found: list[tuple[bytes, memoryview]], kind: bytes) -> memoryview:
    """The contents of the first box of a kind.

    Raises:
        Damaged: there is none.
    """
    for name, body in found:
        if name == kind:
            return body
    raise Damaged


def _inside(data: memoryview, *path: bytes) -> memoryview:
    for kind in path:
        data = only(list(boxes(data)), kind)
    return data


def _scale_and_duration(header: memoryview) -> tuple[int, int]:
    """Of `mvhd` (8.2.2) and `mdhd` (8.4.2), which begin alike."""
    form = ">IQ" if header[0] else ">II"
    scale, ticks = struct.unpack_from(form, header, 20 if header[0] else 12)
    return int(scale), int(ticks)


def _long(box: memoryview, at: int) -> int:
    (number,) = struct.unpack_from(">Q" if box[0] else ">I", box, at)
    return int(number)


def _track(trak: memoryview) -> Track:
    head = _inside(trak, b"tkhd")
    (number,) = struct.unpack_from(">I", head, 20 if head[0] else 12)
    media = _inside(trak, b"mdia")
    handler = _letters(_inside(media, b"hdlr")[8:12])
    table = list(boxes(_inside(media, b"minf", b"stbl")))
    description = only(table, b"stsd")
    width, height = 0, 0
    if handler == "vide":
        # VisualSampleEntry (12.1.3): width and height lie 24 bytes behind the entry's header.
        width, height = struct.unpack_from(">HH", description, 8 + HEADER + 24)
    scale, ticks = _scale_and_duration(_inside(media, b"mdhd"))
    samples, size = _samples(table)
    codec = _letters(description[12:16])
    return Track(number, handler, codec, width, height, samples, size, scale, ticks)


def _letters(code: memoryview) -> str:
    text = bytes(code).decode("latin-1")
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)


def _samples(table: list[tuple[bytes, memoryview]]) -> tuple[int, int]:
    """Number and bytes of all samples, from `stsz` or `stz2` (8.7.3)."""
    for kind, body in table:
        if kind == b"stsz":
            fixed, samples = struct.unpack_from(">II", body, 4)
            return samples, fixed * samples or sum(uint32s(body, 12, samples))
        if kind == b"stz2":
            bits, samples = struct.unpack_from(">II", body, 4)
            return samples, _compact(body[12:], bits & 0xFF, samples)
    raise Damaged


def uint32s(body: memoryview, at: int, count: int) -> array[int]:
    """So many numbers of 32 bits from a place on.

    Raises:
        Damaged: there are fewer.
    """
    if count * 4 > len(body) - at:
        raise Damaged
    words = array("I", bytes(body[at : at + count * 4]))
    if sys.byteorder == "little":
        words.byteswap()
    return words


def _compact(body: memoryview, bits: int, samples: int) -> int:
    if bits not in {HALF_BITS, BYTE_BITS, WORD_BITS} or samples * bits > len(body) * 8:
        raise Damaged
    if bits == WORD_BITS:
        whole = bytes(body[: samples * 2])
        return sum(whole[0::2]) * 256 + sum(whole[1::2])
    if bits == BYTE_BITS:
        return sum(body[:samples])
    pairs = sum((byte >> 4) + (byte & 15) for byte in body[: samples // 2])
    return pairs + (body[samples // 2] >> 4 if samples % 2 else 0)
