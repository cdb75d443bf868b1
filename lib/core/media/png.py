"""A PNG verified to its last pixel in the memory of a few blocks.

A decoder wants the whole picture at once, up to 256 MB for a file of one; whether it would succeed
can be told without: checksums, the order of the parts, and the amount of pixel data as it unpacks.
Also unpacks nothing that is larger than it has a right to be. Source: PNG 3rd edition (W3C).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from lib.core.media.parts import PARTS_AT_MOST, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 16
TEXT_AT_MOST = 8 << 20  # a colour profile has about 1 MB at most
INDEXED = 3  # the colour type whose pixels are places in a palette (PNG, 11.2.1)
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
FILTERS = 4
# Adam7: first column, first row, step across, step down of each pass.
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class Broken(ValueError):
    """A file that a decoder would refuse, or should not be asked about; says why."""


def verify(data: bytes) -> int:
    """Let a PNG pass that decodes to the end.

    Returns:
        The place in the file where the packed stream of its pixels ends.

    Raises:
        Broken: it does not.
    """
    view = memoryview(data)
    seen: list[bytes] = []
    texts = 0
    for kind, at, length in chunks(data):
        if len(seen) >= PARTS_AT_MOST:
            raise Broken("it has too many parts")
        if at + length + 4 > len(data):
            raise Broken("it breaks off")
        declared = int.from_bytes(view[at + length : at + length + 4], "big")
        if zlib.crc32(view[at - 4 : at + length]) != declared:
            raise Broken("a checksum in it is wrong")
        if kind in {b"zTXt", b"iTXt", b"iCCP"}:
            texts += _unpacked(kind, bytes(view[at : at + length]), TEXT_AT_MOST - texts)
            if texts > TEXT_AT_MOST:
                raise Broken(
                    f"texts and colour profile in it unpack to more than {TEXT_AT_MOST} bytes"
                )
        seen.append(kind)
        if kind == b"IEND":
            break
    if not seen or seen[0] != b"IHDR" or seen[-1] != b"IEND" or b"IDAT" not in seen:
        raise Broken("it breaks off")
    if seen.count(b"IHDR") > 1 or seen.count(b"PLTE") > 1:
        raise Broken("a part of it that may be there once is there twice")
    return _pixels(data, palette=b"PLTE" in seen[: seen.index(b"IDAT")])


def _unpacked(kind: bytes, chunk: bytes, limit: int) -> int:
    """The bytes that a text or a profile unpacks to, counted until they are above the limit."""
    packed = chunk.partition(b"\0")[2][1:]
    if kind == b"iTXt":
        flag, rest = chunk.partition(b"\0")[2][:1], chunk.partition(b"\0")[2][2:]
        if flag != b"\1":
            return len(rest)
        packed = rest.partition(b"\0")[2].partition(b"\0")[2]
    total = 0
    try:
        for block, _ in blocks(packed, zlib.decompressobj()):
            total += len(block)
            if total > limit:
                break
    except zlib.error:
        return total  # decoders pass over it
    return total


def _pixels(data: bytes, *, palette: bool) -> int:
    _, at, _ = next(chunks(data))
    width, height = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (0, 4))
    bits, colour, method, filtering, interlaced = data[at + 8 : at + 13]
    if bits not in DEPTHS.get(colour, ()) or method or filtering or interlaced > 1:
        raise Broken("its head names a form that there is not")
    if colour == INDEXED and not palette:
        raise Broken("its palette is missing")
    a_pixel = bits * CHANNELS[colour]
    whole = ((0, 0, 1, 1),)
    expected = 0
    for first_x, first_y, step_x, step_y in PASSES if interlaced else whole:
        columns = -(-(width - first_x) // step_x)
        rows = -(-(height - first_y) // step_y)
        if columns > 0 and rows > 0:
            expected += rows * (1 + (columns * a_pixel + 7) // 8)
    row = 0 if interlaced else 1 + (width * a_pixel + 7) // 8
    return _unpack(data, expected, row)


def _unpack(data: bytes, expected: int, row: int) -> int:
    total = end = 0
    for block, end in _inflated(data):  # noqa: B007 - the last one is where the stream ends
        if row and any(value > FILTERS for value in block[-total % row :: row]):
            raise Broken("a row of its pixels does not decode")
        total += len(block)
        if total > expected:
            raise Broken("it holds more pixels than its head says")
    if total < expected:
        raise Broken("it holds fewer pixels than its head says")
    return end


def blocks(packed: bytes | memoryview, unpacker: zlib._Decompress) -> Iterator[tuple[bytes, int]]:
    """What bytes unpack to, block by block, each with how many of them are used by then.

    Given to the unpacker in pieces, since zlib copies what is left after each block. What lies
    behind the end of the stream is not used.
    """
    for at in range(0, len(packed), BLOCK):
        piece = packed[at : at + BLOCK]
        end = at + len(piece)
        while piece and not unpacker.eof:
            block = unpacker.decompress(piece, BLOCK)
            # At the end of the stream, what is left stands in both.
            piece = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            yield block, end - len(piece)


def _inflated(data: bytes) -> Iterator[tuple[bytes, int]]:
    view, unpacker, end = memoryview(data), zlib.decompressobj(), 0
    try:
        for kind, at, length in chunks(data):
            if kind == b"IEND" or unpacker.eof:
                break
            if kind == b"IDAT":
                for block, used in blocks(view[at : at + length], unpacker):
                    end = at + used
                    yield block, end
    except zlib.error:
        raise Broken("its pixels do not unpack") from None
    yield unpacker.flush(), end
