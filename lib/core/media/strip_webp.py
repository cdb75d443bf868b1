"""The chunks of a WEBP that are pixels or say how they look, each once.

Alpha belongs to lossy pixels and lies before them; a colour profile ends where it says, and one
that is none is left out. Bytes behind the pixels within their own chunk cannot be told from them.
Source: WEBP container (RFC 9649).
"""

from __future__ import annotations

from itertools import islice
from struct import pack
from typing import TYPE_CHECKING

from lib.core.media import icc
from lib.core.media.parts import PARTS_AT_MOST, riff_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

LOSSY, LOSSLESS = b"VP8 ", b"VP8L"
KEPT = frozenset({b"VP8X", b"ICCP", b"ALPH", LOSSY, LOSSLESS})
EXTENDED_BYTES = 10
PROFILE, ALPHA = 0x20, 0x10  # of the flags of a VP8X


def stripped(data: bytes) -> tuple[list[bytes | memoryview], bytes]:
    """What is kept of a WEBP, piece by piece, and its EXIF.

    Raises:
        ValueError: its chunks contradict one another, or are too many.
    """
    found = list(islice(riff_chunks(data), PARTS_AT_MOST + 2))
    if len(found) > PARTS_AT_MOST + 1:
        raise ValueError("it has too many parts")
    chosen = _chosen(found)
    exif_at, exif_bytes = chosen.pop(b"EXIF", (0, 0))
    if b"ICCP" in chosen:
        at, size = chosen.pop(b"ICCP")
        size = icc.length(data[at : at + min(size, icc.HEAD_BYTES)], size)
        if size:
            chosen[b"ICCP"] = at, size
    view = memoryview(data)
    parts: list[bytes | memoryview] = []
    for at, size, kind in sorted((at, size, kind) for kind, (at, size) in chosen.items()):
        if kind != b"VP8X":
            parts += [pack("<4sI", kind, size), view[at : at + size], bytes(size % 2)]
            continue
        if size < EXTENDED_BYTES:
            raise ValueError("it ends within its head")
        flags = data[at] & (PROFILE | ALPHA if b"ICCP" in chosen else ALPHA)
        parts += [pack("<4sIB3x", kind, EXTENDED_BYTES, flags), view[at + 4 : at + EXTENDED_BYTES]]
    length = sum(map(len, parts))
    head = [b"RIFF", pack("<I", 4 + length), b"WEBP"]
    return [*head, *parts], data[exif_at : exif_at + exif_bytes]


def _chosen(found: Iterable[tuple[bytes, int, int]]) -> dict[bytes, tuple[int, int]]:
    """Place and length of the first of each kind that is of the picture, and of its EXIF."""
    chosen: dict[bytes, tuple[int, int]] = {}
    for kind, at, size in found:
        pixels = LOSSY in chosen or LOSSLESS in chosen
        if kind in {LOSSY, LOSSLESS, b"ALPH"} and pixels:
            continue
        if kind in KEPT or (kind == b"EXIF" and size):
            chosen.setdefault(kind, (at, size))
    if LOSSY not in chosen:
        chosen.pop(b"ALPH", None)
    return chosen
