"""What a picture's file says of itself, read from its first bytes without a decoder.

Sides, depth, colours and movement are known before any memory is given to them, and a decoder is
chosen by us and never by the file. It judges nothing. Sources: PNG 3rd edition (W3C), JPEG (ITU-T
T.81), WEBP container (RFC 9649), BITMAPINFOHEADER (Microsoft).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from struct import error as too_short
from struct import unpack_from
from typing import TYPE_CHECKING

from lib.core.media.parts import END, MARKER, PARTS_AT_MOST, PNG, SCAN, chunks, segments

if TYPE_CHECKING:
    from collections.abc import Callable

# What people send by mistake, as refusals name it.
OTHERS = (
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"8BPS", "PSD"),
    (b"%PDF", "PDF"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "ICO"),
    (b"\0\0\0\x0cjP", "JPEG 2000"),
    (b"\xffO\xffQ", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL", "JPEG XL"),
    (b"%!PS", "PostScript"),
    (b"PK\3\4", "ZIP"),
    (b"\x1a\x45\xdf\xa3", "WEBM"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG or XML"),
    (b"<!doc", "HTML"),
    (b"<!DOC", "HTML"),
    (b"<html", "HTML"),
)
FTYP = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC"}
# T.81, table B.1: baseline, extended, progressive; the other eleven are lossless, hierarchical or
# arithmetic and no browser shows them.
PROGRESSIVE = 0xC2
FRAMES = {0xC0, 0xC1, PROGRESSIVE}
HEAD_BYTES = 13  # of a PNG's IHDR (PNG, 11.2.1)
SAMPLING = range(1, 5)  # factors of a JPEG's components (T.81, B.2.2)
OLDEST_HEAD = 12  # bytes of a BMP's BITMAPCOREHEADER
BITS_WITH_FOURTH = 32  # of a BMP whose fourth byte may be alpha
ODD_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
FILLING_AT_MOST = 1 << 16


@dataclass(frozen=True)
class Head:
    """What the first bytes say.

    Attributes:
        kind: `PNG`, `JPEG`, `WEBP`, `BMP`, or the name of another kind.
        width: pixels.
        height: pixels.
        bits: of one channel.
        colours: `RGB`, `grey`, `palette`, `CMYK`, or what it is called.
        transparent: whether there may be transparent pixels.
        animated: whether it moves.
        held: bytes a pixel that its decoder keeps of the whole picture beside the pixels.
        scans: how often a JPEG goes over the picture.
        packed: whether a BMP is compressed.
    """

    kind: str
    width: int = 0
    height: int = 0
    bits: int = 8
    colours: str = "RGB"
    transparent: bool = False
    animated: bool = False
    held: float = 0.0
    scans: int = 1
    packed: bool = False


def sniff(data: bytes) -> Head | None:
    """The head of a picture; None when its first bytes are those of no picture.

    Args:
        data: the whole file.

    Raises:
        ValueError: the file contradicts itself or ends before its head does.
    """
    for starts, read in READERS:
        if starts(data):
            try:
                return read(data)
            except (too_short, IndexError):
                raise ValueError("it ends within its head") from None
    if data[4:8] == b"ftyp":
        return Head(FTYP.get(data[8:12], "MP4 or HEIF"))
    start = data[:256].lstrip()
    return next((Head(name) for magic, name in OTHERS if start.startswith(magic)), None)


# PNG


def _png(data: bytes) -> Head:
    length, kind, width, height, bits, colour = unpack_from(">I4sIIBB", data, len(PNG))
    if kind != b"IHDR" or length != HEAD_BYTES:
        raise ValueError("its first part is not the one that a PNG begins with")
    kinds = {kind for kind, _, _ in islice(chunks(data), PARTS_AT_MOST)}
    names = {0: "grey", 2: "RGB", 3: "palette", 4: "grey", 6: "RGB"}
    if colour not in names:
        raise ValueError("it names colours that there are not")
    return Head(
        "PNG",
        width,
        height,
        bits,
        names[colour],
        transparent=colour in {4, 6} or b"tRNS" in kinds,
        animated=b"acTL" in kinds,
    )


# JPEG


def _jpeg(data: bytes) -> Head:
    frame: tuple[int, int, int, int, list[tuple[int, int]]] | None = None
    at = 2
    for _ in range(PARTS_AT_MOST):
        while data[at : at + 2] == b"\xff\xff" and at < FILLING_AT_MOST:
            at += 1
        if data[at] != MARKER:
            raise ValueError("its parts do not follow one another")
        marker = data[at + 1]
        length: int = unpack_from(">H", data, at + 2)[0]
        if marker in ODD_FRAMES:
            return Head("lossless or arithmetic JPEG")
        if marker in FRAMES and frame is None:
            frame = (marker, *_frame(data, at + 4))
        if marker in {SCAN, END}:
            break
        at += 2 + length
    else:
        if frame is not None:
            raise ValueError("it has too many parts")
    if frame is None:
        raise ValueError("it shows no picture at its beginning")
    kinds = [kind for kind, _, _ in islice(segments(data), PARTS_AT_MOST + 1)]
    if len(kinds) > PARTS_AT_MOST:
        raise ValueError("it has too many parts")
    marker, bits, height, width, parts = frame
    # Its decoder keeps all coefficients, two bytes each, when one scan does not hold everything.
    several = marker == PROGRESSIVE or data[at + 4] < len(parts)
    widest = max(h for h, _ in parts) * max(v for _, v in parts)
    held = 2 * sum(h * v for h, v in parts) / widest if several else 0.0
    names = {1: "grey", 3: "RGB", 4: "CMYK"}
    colours = names.get(len(parts), f"{len(parts)} channels of")
    return Head("JPEG", width, height, bits, colours, held=held, scans=kinds.count(SCAN))


def _frame(data: bytes, at: int) -> tuple[int, int, int, list[tuple[int, int]]]:
    bits, height, width, count = unpack_from(">BHHB", data, at)
    factors = [data[at + 7 + 3 * number] for number in range(count)]
    parts = [(byte >> 4, byte & 15) for byte in factors]
    if not parts or not all(side in SAMPLING for pair in parts for side in pair):
        raise ValueError("it names colours that there are not")
    return bits, height, width, parts


# WEBP


def _webp(data: bytes) -> Head:
    kind = data[12:16]
    declared: int = unpack_from("<I", data, 4)[0]
    if declared + 8 > len(data):
        raise ValueError("it breaks off")
    if kind == b"VP8X":
        flags = data[20]
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return Head(
            "WEBP", width, height, transparent=bool(flags & 0x10), animated=bool(flags & 0x02)
        )
    if kind == b"VP8 ":
        width, height = unpack_from("<HH", data, 26)
        return Head("WEBP", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits: int = unpack_from("<I", data, 21)[0]
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        return Head("WEBP", width, height, transparent=bool(bits >> 28 & 1))
    raise ValueError("its first part is not one that a WEBP begins with")


# BMP


def _bmp(data: bytes) -> Head:
    size: int = unpack_from("<I", data, 14)[0]
    if size == OLDEST_HEAD:
        width, height, _, bits = unpack_from("<HHHH", data, 18)
        packing = 0
    else:
        width, height, _, bits, packing = unpack_from("<iiHHI", data, 18)
    names = {1: "palette", 4: "palette", 8: "palette"}
    return Head(
        "BMP",
        width,
        abs(height),
        8,
        names.get(bits, "RGB"),
        transparent=bits == BITS_WITH_FOURTH,
        packed=packing not in {0, 3, 6},
    )


READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Head]], ...] = (
    (lambda data: data.startswith(PNG), _png),
    (lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (lambda data: data.startswith(b"BM"), _bmp),
)
