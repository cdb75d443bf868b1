"""Of a WEBP only pixels, alpha where it belongs, and a valid profile are kept."""

import io
import struct

import pytest
from PIL import Image, ImageCms

from lib.core.media import frames
from lib.core.media.parts import riff_chunks

SECRET = b"51.5007N 0.1246W, body 4711"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def made(**options):
    """Kind and content of the picture's only chunk."""
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "WEBP", **options)
    data = file.getvalue()
    ((kind, at, size),) = riff_chunks(data)
    return kind, data[at : at + size]


LOSSY, LOSSLESS = made(quality=80), made(lossless=True)


def of(*pieces):
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for kind, content in pieces
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def extended(flags):
    return b"VP8X", bytes([flags, 0, 0, 0, 255, 0, 0, 255, 0, 0])


def kept(data):
    return frames.check(data, "first_frame").data


def opened(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes(), image.info.get("icc_profile")


@pytest.mark.parametrize("pixels", [LOSSY, LOSSLESS], ids=["lossy", "lossless"])
@pytest.mark.parametrize("behind", [b"", SECRET], ids=["alone", "more behind it"])
def test_a_profile_is_kept_byte_for_byte_and_nothing_behind_it(pixels, behind):
    data = of(extended(0x20), (b"ICCP", PROFILE + behind), pixels, (b"ICCP", SECRET))
    whole = of(extended(0x20), (b"ICCP", PROFILE), pixels)
    assert kept(data) == whole
    assert opened(whole) == (opened(of(pixels))[0], PROFILE)


@pytest.mark.parametrize("profile", [SECRET, b"", PROFILE[:-1]], ids=["text", "empty", "cut"])
def test_a_profile_that_is_none_goes_and_its_flag_with_it(profile):
    data = of(extended(0x20), (b"ICCP", profile), LOSSY)
    assert kept(data) == of(extended(0), LOSSY)
    assert opened(kept(data)) == opened(of(LOSSY))


@pytest.mark.parametrize(
    "pieces",
    [[LOSSLESS, (b"ALPH", SECRET)], [LOSSY, (b"ALPH", SECRET)]],
    ids=["behind lossless", "behind lossy"],
)
def test_alpha_that_is_no_alpha_goes(pieces):
    assert kept(of(extended(0), *pieces)) == of(extended(0), pieces[0])


def test_alpha_before_lossless_pixels_is_no_alpha():
    data = of(extended(0), (b"ALPH", SECRET), LOSSLESS)
    assert kept(data) == of(extended(0), LOSSLESS)


def test_opaque_alpha_before_lossy_pixels_is_read_as_alpha():
    alpha = b"\0" + b"\xff" * 256 * 256
    frame = frames.check(of(extended(0x10), (b"ALPH", alpha), LOSSY), "first_frame")
    assert frame.mime == "image/jpeg"
    transparent = b"\0" + b"\xfe" * 256 * 256
    with pytest.raises(frames.ApiError, match="transparent"):
        frames.check(of(extended(0x10), (b"ALPH", transparent), LOSSY), "first_frame")
