"""The parts of a JPEG that are pixels or say what their colours mean, and no byte behind them.

Refuses a part that is longer or shorter than what it holds, decodes no scan: what lies between the
pixels of a scan and the next marker cannot be told from them. Sources: JPEG (ITU-T T.81), JFIF
1.02, ICC.1:2010 (annex B.4).
"""

from __future__ import annotations

from itertools import islice
from struct import pack
from typing import TYPE_CHECKING

from lib.core.media import icc
from lib.core.media.headers import FRAMES, PROGRESSIVE
from lib.core.media.parts import END, PARTS_AT_MOST, SCAN, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

HUFFMAN, QUANTIZATION, RESTARTS = 0xC4, 0xDB, 0xDD
# Tables, frames, scans and the end (T.81, table B.1); of what applications add, only what is below.
# A number of lines (DNL) is for frames that have none, which `frames` refuses; arithmetic
# conditioning (DAC) is for frames that `headers` does not know.
KEPT = frozenset({*FRAMES, HUFFMAN, QUANTIZATION, RESTARTS, SCAN, END})
JFIF, EXIF, PROFILE, ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
JFIF_BYTES = 14  # without its thumbnail, whose sides are the last two
ADOBE_BYTES = 12  # says whether the colours are YCbCr
Part = tuple[int, int, int]


def stripped(data: bytes) -> tuple[list[bytes | memoryview], bytes]:
    """What is kept of a JPEG, piece by piece, and its EXIF.

    Raises:
        ValueError: it has too many parts, or one whose length is not that of what it holds.
    """
    found = list(islice(segments(data), PARTS_AT_MOST + 2))
    if len(found) > PARTS_AT_MOST + 1:
        raise ValueError("it has too many parts")
    first, last = _scans(data, found)
    applied = _applied(data, found[:first])
    view = memoryview(data)
    parts: list[bytes | memoryview] = [view[:2]]
    for number, (marker, start, end) in enumerate(found):
        if marker in KEPT and (number <= last or marker == END):
            if not _fits(data, marker, start):
                raise ValueError("a part of it is not as long as what it holds")
            parts.append(view[start:end])
        parts += applied.get(start, ())
    exifs = (
        data[start + 4 : end]
        for marker, start, end in found
        if marker == EXIF and data.startswith(b"Exif\0", start + 4)
    )
    return parts, next(exifs, b"")


def _scans(data: bytes, found: Sequence[Part]) -> tuple[int, int]:
    """The numbers of the first scan and of the last that is shown."""
    scans = [number for number, (marker, _, _) in enumerate(found) if marker == SCAN]
    if not scans:
        return len(found), len(found)
    first = scans[0]
    for marker, start, _ in found[:first]:
        if marker in FRAMES:
            # A sequential picture whose first scan has all colours is whole with it (T.81, A.2).
            whole = marker != PROGRESSIVE and data[start + 9] == data[found[first][1] + 4]
            return first, first if whole else scans[-1]
    return first, scans[-1]


def _applied(data: bytes, found: Sequence[Part]) -> dict[int, tuple[bytes | memoryview, ...]]:
    """What is kept of what applications add before the first scan, by the part's first byte."""
    view = memoryview(data)
    kept: dict[int, tuple[bytes | memoryview, ...]] = {}
    profile, jfif, adobe = [], [], []
    for marker, start, end in found:
        at, size = start + 4, end - start - 4
        if marker == PROFILE and data.startswith(icc.MARKED, at):
            profile.append((start, end))
        elif marker == JFIF and size >= JFIF_BYTES and data.startswith(b"JFIF\0", at):
            jfif.append(at)
        elif marker == ADOBE and size >= ADOBE_BYTES and data.startswith(b"Adobe", at):
            adobe.append(at)
    for start, end in icc.in_jpeg(data, profile).items():
        kept[start] = (b"\xff\xe2", pack(">H", end - start - 2), view[start + 4 : end])
    for at in jfif[:1]:
        kept[at - 4] = (b"\xff\xe0\0\x10", view[at : at + JFIF_BYTES - 2], b"\0\0")
    for at in adobe[-1:]:  # decoders go by the last
        kept[at - 4] = (b"\xff\xee\0\x0e", view[at : at + ADOBE_BYTES])
    return kept


def _fits(data: bytes, marker: int, start: int) -> bool:
    """Whether a part has the length of what it holds (T.81, B.2)."""
    at = start + 4
    end = start + 2 + int.from_bytes(data[start + 2 : at], "big")
    if marker == END:
        return True
    if marker in FRAMES:
        return end - at == 6 + 3 * data[at + 5]
    if marker == SCAN:
        return end - at == 4 + 2 * data[at]
    if marker == RESTARTS:
        return end - at == 2  # noqa: PLR2004 - one number (T.81, B.2.4.4)
    while at < min(end, len(data)):
        if marker == HUFFMAN:
            at += 17 + sum(data[at + 1 : at + 17])
        else:
            at += 129 if data[at] >> 4 else 65
    return at == end
