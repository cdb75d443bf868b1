"""PNG files to their last byte: a whole one passes, a torn or dishonest one is told by its fault."""

import io
import struct
import zlib

import pytest
from PIL import Image

from lib.core.media import png

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def made(mode="RGB", **options):
    file = io.BytesIO()
    Image.linear_gradient("L").convert(mode).save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def gray(rows, width=4, height=4, filter_type=0):
    """A gray picture of 8 bits whose pixels hold so many rows."""
    pixels = zlib.compress((bytes([filter_type]) + bytes(width)) * rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def fault(data):
    with pytest.raises(png.Broken) as caught:
        png.verify(data)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_whole_picture_passes(mode):
    if mode == "I;16":
        file = io.BytesIO()
        Image.new(mode, (9, 9), 5).save(file, "PNG")
        png.verify(file.getvalue())
        return
    png.verify(made(mode))


def test_a_picture_that_breaks_off_is_told():
    whole = made()
    for end in (len(whole) - 1, len(whole) - 12, len(whole) // 2):
        assert fault(whole[:end]) == "it breaks off"


def test_a_changed_byte_is_told_by_its_checksum():
    whole = bytearray(made())
    whole[len(whole) // 2] ^= 1
    assert fault(bytes(whole)) == "a checksum in it is wrong"


def test_pixels_are_as_many_as_the_head_says():
    png.verify(gray(4))
    assert "fewer pixels" in fault(gray(3))
    assert "more pixels" in fault(gray(5))
    assert "does not decode" in fault(gray(4, filter_type=5))


def test_a_palette_is_there_where_pixels_need_it():
    whole = made("P")
    at = whole.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", whole, at)
    assert "palette is missing" in fault(whole[:at] + whole[at + 12 + length :])
