"""What a picture's file says beside its pixels, taken out; the pixels stay byte for byte.

A photograph names the place, the hour and the camera's serial number, and carries small copies of
itself from before it was cropped. Works on the parts of the container and decodes nothing: a part
is kept because a decoder needs it or because it says what the colours mean, and all others go.
Which way up the picture is shown is read before it goes. Sources: Exif 2.3 (CIPA DC-008),
ICC.1:2010 (annex B), BITMAPV5HEADER (Microsoft); those of each container
stand in the module that strips it.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import error as too_short
from struct import pack, unpack_from
from typing import TYPE_CHECKING

from lib.core.media import icc, strip_jpeg, strip_png, strip_webp
from lib.core.media.headers import OLDEST_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

UPRIGHT = 1
ORIENTATIONS = range(1, 9)
ORIENTATION = 0x0112  # the tag (Exif 2.3, 4.6.4)
ENTRY_BYTES = 12  # of a directory of tags

BMP_HEAD, INFO_BYTES = 14, 40
BITS_WITH_PALETTE = 8  # and fewer
V5_BYTES = 124
V5_COLOURS, V5_PROFILE = 56, 112
LINKED, EMBEDDED, SRGB = b"KNIL", b"DEBM", b"BGRs"  # little-endian; a link is a file's name
MASKS = {3: 12, 6: 16}  # bytes behind an old head, by the kind of its packing


@dataclass(frozen=True)
class Bare:
    """A picture without what is private.

    Attributes:
        data: the very bytes that came, if there was nothing to take out.
        orientation: how it was to be turned, 1 to 8 (Exif 2.3, 4.6.4); 1 is upright.
    """

    data: bytes
    orientation: int


def bare(data: bytes, kind: str) -> Bare:
    """Take out everything that is neither pixels nor their colours.

    Args:
        data: a file that `headers.sniff` knows as this kind.
        kind: `JPEG`, `PNG`, `WEBP` or `BMP`.

    Raises:
        ValueError: its parts contradict one another.
    """
    try:
        parts, exif = STRIPPERS[kind](data)
    except (too_short, IndexError):
        raise ValueError("it ends within its head") from None
    stripped = b"".join(parts)
    return Bare(data if stripped == data else stripped, orientation(exif))


def orientation(exif: bytes) -> int:
    """The orientation in EXIF, 1 where it says none that there is.

    Args:
        exif: from its `Exif` or from the byte order on.
    """
    tiff = exif[6:] if exif[:5] == b"Exif\0" else exif
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        at: int = unpack_from(f"{order}I", tiff, 4)[0]
        count: int = unpack_from(f"{order}H", tiff, at)[0]
        for number in range(count):
            tag, kind = unpack_from(f"{order}HH", tiff, at + 2 + number * ENTRY_BYTES)
            if tag == ORIENTATION:
                form = {1: "B", 3: "H", 4: "I"}.get(kind, "H")
                found: int = unpack_from(order + form, tiff, at + 10 + number * ENTRY_BYTES)[0]
                return found if found in ORIENTATIONS else UPRIGHT
    except too_short:
        pass
    return UPRIGHT


def _bmp(data: bytes) -> tuple[list[bytes | memoryview], bytes]:
    start, size = unpack_from("<II", data, 10)
    if size == OLDEST_HEAD:
        width, height, _, bits = unpack_from("<HHHH", data, 18)
        packing = colours = 0
    else:
        width, height, _, bits, packing = unpack_from("<iiHHI", data, 18)
        colours = unpack_from("<I", data, 46)[0]
    palette = surplus = 0
    if bits <= BITS_WITH_PALETTE:
        entry = 3 if size == OLDEST_HEAD else 4
        palette = (colours or 1 << bits) * entry
        # Entries that no pixel can name are no colours; zeros stand in their place.
        surplus = max(0, palette - (entry << bits))
    known = BMP_HEAD + size + (MASKS.get(packing, 0) if size == INFO_BYTES else 0) + palette
    start = start or known
    if start == BMP_HEAD + size:
        start += palette  # as decoders read it
    if not BMP_HEAD + size <= start <= len(data):
        raise ValueError("its pixels do not lie behind its head")
    end = start + (width * bits + 31) // 32 * 4 * abs(height)
    head = bytearray(data[: min(known - surplus, start)])
    pixels = memoryview(data)[start:end]
    profile = _profile(data, head, start + len(pixels)) if size == V5_BYTES else b""
    head[2:10] = pack("<IHH", start + len(pixels) + len(profile), 0, 0)
    return [bytes(head), bytes(start - len(head)), pixels, profile], b""


def _profile(data: bytes, head: bytearray, end: int) -> bytes:
    """The colour profile of a BMP, as it lies behind the pixels from now on."""
    colours = slice(BMP_HEAD + V5_COLOURS, BMP_HEAD + V5_COLOURS + 4)
    place = slice(BMP_HEAD + V5_PROFILE, BMP_HEAD + V5_PROFILE + 8)
    profile = b""
    if head[colours] == EMBEDDED:
        at, size = unpack_from("<II", head, place.start)
        profile = data[BMP_HEAD + at : BMP_HEAD + at + size]
        profile = profile[: icc.length(profile, len(profile))]
    if profile:
        head[place] = pack("<II", end - BMP_HEAD, len(profile))
        return profile
    if head[colours] in (LINKED, EMBEDDED):
        head[colours] = SRGB
    head[place] = bytes(8)
    return b""


STRIPPERS: dict[str, Callable[[bytes], tuple[list[bytes | memoryview], bytes]]] = {
    "JPEG": strip_jpeg.stripped,
    "PNG": strip_png.stripped,
    "WEBP": strip_webp.stripped,
    "BMP": _bmp,
}
