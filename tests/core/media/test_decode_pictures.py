"""Pictures of every sort through the real POST: taken or refused with a reason, in bounded memory."""

import io
import random

import pytest
from PIL import Image, ImageChops, ImageOps

from lib.core.errors import ApiError, FrameFault
from lib.core.media import frames
from tests.web import picture_corpus as corpus


@pytest.mark.slow
def test_a_corpus_of_odd_broken_and_hostile_files_never_crashes_and_each_refusal_has_a_reason():
    rows, made, code = corpus.run(files=60, seed=20)
    assert code == 0
    assert len(rows) == made >= 60
    assert [(row["title"], corpus.wrong(row)) for row in rows if corpus.wrong(row)] == []


def test_the_corpus_sees_what_is_wrong():
    row = {
        "status": 400,
        "code": "invalid_frame",
        "param": "first_frame",
        "message": "first_frame: got a GIF file.",
        "expected": "GIF",
        "grown_mb": 3,
        "opens": True,
    }
    assert corpus.wrong(row) == ""
    for change in (
        {"status": 500},
        {"status": 202},
        {"param": None},
        {"message": "first_frame: no."},
        {"grown_mb": corpus.GROWTH_AT_MOST_MB + 1},
        {"expected": "taken"},
        {"status": 202, "expected": "taken", "opens": False},
    ):
        assert corpus.wrong(row | change)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_applied_and_gone(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    gradient = Image.linear_gradient("L").resize((300, 256)).rotate(30).convert("RGB")
    file = io.BytesIO()
    gradient.save(file, kind, exif=corpus.exif(orientation), **options)
    frame = frames.check(file.getvalue(), "first_frame")
    with Image.open(file) as before, Image.open(io.BytesIO(frame.data)) as after:
        if orientation > 1:
            assert after.getexif().get(0x0112, 1) == 1
        upright = ImageOps.exif_transpose(before).convert("RGB")
        assert (frame.width, frame.height) == after.size == upright.size
        worst = ImageChops.difference(upright, after.convert("RGB")).getextrema()
        assert max(high for _, high in worst) < 40  # JPEG's loss at the edges


def test_a_colour_profile_survives_being_turned():
    from PIL import ImageCms  # one test needs it

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG"):
        data = corpus.encoded(kind=kind, exif=corpus.exif(6), icc_profile=profile)
        frame = frames.check(data, "first_frame")
        with Image.open(io.BytesIO(frame.data)) as image:
            assert image.info["icc_profile"] == profile


def test_what_memory_cannot_hold_is_refused_and_says_how_much_it_can():
    for name in ("png 8000x8000 with alpha", "webp 8000x8000"):
        make, _ = corpus.REFUSED[name]
        with pytest.raises(ApiError, match=r"got 8000x8000 pixels; allowed for .* million pixels"):
            frames.check(make(), "last_frame")


@pytest.mark.slow
def test_what_grows_too_large_when_it_is_turned_is_refused_and_says_so():
    """Noise of eight colours needs three bits a pixel as a palette, and many more as anything else."""
    side = 4400
    noise = random.Random(1).randbytes(side * side).translate(bytes(n % 8 for n in range(256)))
    image = Image.frombytes("P", (side, side), noise)
    image.putpalette([255 * (n >> bit & 1) for n in range(16) for bit in range(3)])
    file = io.BytesIO()
    image.save(file, "PNG", bits=4, compress_level=1, exif=corpus.exif(6))
    with pytest.raises(ApiError, match=r"first_frame: got \d{7} bytes, which upright") as raised:
        frames.check(file.getvalue(), "first_frame")
    assert raised.value.fault is FrameFault.TOO_LARGE
