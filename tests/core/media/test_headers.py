"""What a picture's first bytes say of it: the same as a decoder finds, and no guess where they break off."""

import contextlib
import io
import itertools

import pytest
from PIL import Image

from lib.core.media.headers import chunks, sniff


def made(kind, mode="RGB", size=(300, 240), **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(300, 240), (241, 1000)], ids=["wide", "tall"])
def test_sides_are_known_without_a_decoder(kind, size):
    head = sniff(made(kind, size=size))
    assert (head.kind, head.width, head.height) == (kind, *size)


@pytest.mark.parametrize(
    ("kind", "mode", "colours", "transparent"),
    [
        ("PNG", "RGBA", "RGB", True),
        ("PNG", "L", "grey", False),
        ("PNG", "P", "palette", False),
        ("JPEG", "L", "grey", False),
        ("JPEG", "CMYK", "CMYK", False),
        ("WEBP", "RGBA", "RGB", True),
    ],
)
def test_colours_and_transparency_are_known(kind, mode, colours, transparent):
    options = {"lossless": True} if kind == "WEBP" else {}
    head = sniff(made(kind, mode, **options))
    assert (head.colours, head.transparent) == (colours, transparent)


def test_movement_is_known():
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:])
        assert sniff(file.getvalue()).animated
        assert not sniff(made(kind)).animated


def test_a_progressive_picture_is_told_by_its_scans_and_what_it_holds():
    plain, progressive = sniff(made("JPEG")), sniff(made("JPEG", progressive=True))
    assert (plain.scans, plain.held) == (1, 0.0)
    assert progressive.scans > 1
    assert progressive.held > 0


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF89a", "GIF"), (b"II*\0", "TIFF"), (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x1cftypavif", "AVIF"), (b"\0\0\0\x1cftypisom", "MP4 or HEIF"),
    ],
)  # fmt: skip
def test_what_is_no_allowed_picture_is_named(data, kind):
    assert sniff(data).kind == kind


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_a_head_that_breaks_off_is_an_error_and_never_a_crash(kind):
    whole = made(kind)
    for end in range(12, 60):
        with contextlib.suppress(ValueError):
            head = sniff(whole[:end])
            assert head is None or head.kind == kind


def test_what_is_nothing_known_is_none():
    assert sniff(b"") is sniff(b"hello, world") is None


def test_the_parts_of_a_png_follow_each_other_to_its_end():
    whole = made("PNG")
    parts = list(chunks(whole))
    assert (parts[0][0], parts[-1][0]) == (b"IHDR", b"IEND")
    for (_, at, length), (_, following, _) in itertools.pairwise(parts):
        assert at + length + 12 == following
