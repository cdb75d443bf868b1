"""The chunks of a PNG that are pixels or say how they look, each once and of its right length.

What is kept lies before the pixels, the pixels end where their packed stream does, and the end is
empty. A colour profile is unpacked within a bound; one that is none is left out. Source: PNG 3rd
edition (W3C).
"""

from __future__ import annotations

import zlib
from struct import pack

from lib.core.media import icc
from lib.core.media.parts import PNG, chunks
from lib.core.media.png import INDEXED, blocks, verify

LENGTHS = {
    b"IHDR": 13,
    b"cHRM": 32,
    b"cICP": 4,
    b"cLLI": 8,
    b"gAMA": 4,
    b"mDCV": 24,
    b"pHYs": 9,
    b"sRGB": 1,
}  # sections 11.2 and 11.3, as all numbers here
SIGNIFICANT = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # bytes of an sBIT, by the colour type
TRANSPARENT = {0: 2, 2: 6}  # bytes of a tRNS, but for palettes
ONCE = frozenset({*LENGTHS, b"PLTE", b"iCCP", b"sBIT", b"tRNS"})
END = b"\0\0\0\0IEND\xaeB\x60\x82"
PROFILE_AT_MOST = 1 << 20  # bytes; Pillow opens no PNG with a profile that unpacks to as many
NAME = b"ICC Profile"  # a profile's name within the file is free text
NAME_AT_MOST = 79


def stripped(data: bytes) -> tuple[list[bytes | memoryview], bytes]:
    """What is kept of a PNG, piece by piece, and its EXIF.

    Raises:
        png.Broken: it does not decode to its end.
    """
    end = verify(data)
    view, exif = memoryview(data), b""
    parts: list[bytes | memoryview] = [PNG]
    bits, colour = data[24:26]
    left, entries = set(ONCE), 0
    for kind, at, length in chunks(data):
        content = view[at : at + length]
        if kind == b"eXIf":
            exif = exif or bytes(content)
        elif kind == b"IDAT":
            left.clear()
            content = content[: max(0, end - at)]
            if content:
                parts += _chunk(kind, content)
        elif kind == b"IEND":
            break
        if kind not in left:
            continue
        left.remove(kind)
        if kind == b"PLTE":
            entries = min(length // 3, 1 << bits) if colour == INDEXED else 0
            parts += _chunk(kind, content[: 3 * entries]) if entries else []
        elif kind == b"iCCP":
            profile = _profile(content)
            parts += _chunk(kind, profile) if profile else []
        elif _fits(kind, length, colour, entries):
            parts += _chunk(kind, content)
    return [*parts, END], exif


def _fits(kind: bytes, length: int, colour: int, entries: int) -> bool:
    if kind == b"tRNS" and colour == INDEXED:
        return 1 <= length <= entries
    known = {b"tRNS": TRANSPARENT, b"sBIT": SIGNIFICANT}.get(kind)
    return length == (known.get(colour) if known else LENGTHS[kind])


def _chunk(kind: bytes, content: bytes | memoryview) -> list[bytes | memoryview]:
    check = zlib.crc32(content, zlib.crc32(kind))
    return [pack(">I", len(content)), kind, content, pack(">I", check)]


def _profile(chunk: memoryview) -> bytes | None:
    """An iCCP with its profile and nothing else, never longer than it was; None without one."""
    end = bytes(chunk[: NAME_AT_MOST + 1]).find(b"\0")
    if end < 1 or bytes(chunk[end + 1 : end + 2]) != b"\0":
        return None
    packed, unpacker = chunk[end + 2 :], zlib.decompressobj()
    profile, used = bytearray(), 0
    try:
        for block, place in blocks(packed, unpacker):
            profile += block
            used = place
            if len(profile) >= PROFILE_AT_MOST:
                return None
    except zlib.error:
        return None
    size = icc.length(profile, len(profile)) if unpacker.eof else 0
    stream: bytes | memoryview = packed[:used]
    if size < len(profile):
        stream = zlib.compress(profile[:size], 9)
    if not size or len(stream) > used:
        return None
    return b"".join([NAME[:end].rstrip(), b"\0\0", stream])
