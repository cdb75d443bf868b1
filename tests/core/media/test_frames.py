"""What becomes of a frame that is taken: mended where nothing is lost, warned about where something is."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lib.core.errors import ApiError
from lib.core.media import frames
from tests.world import picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_every_allowed_kind_is_taken_as_it_is(kind):
    data = picture(kind=kind)
    frame = frames.check(data, "first_frame")
    assert frame.data == data
    assert (frame.width, frame.height) == (640, 480)
    assert frame.mime == f"image/{kind.lower()}"


def test_an_opaque_alpha_channel_is_dropped_without_touching_a_pixel():
    frame = frames.check(picture(mode="RGBA", color=(10, 20, 30, 255)), "first_frame")
    with Image.open(io.BytesIO(frame.data)) as image:
        assert image.mode == "RGB"
        assert image.getpixel((5, 5)) == (10, 20, 30)


def test_a_cameras_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    frame = frames.check(picture(800, 400, kind="JPEG", exif=exif.tobytes()), "first_frame")
    assert (frame.width, frame.height) == (400, 800)


def test_another_shape_is_a_warning_and_the_same_shape_is_none():
    wide, wider, tall = (
        frames.check(picture(*size), "f") for size in ((640, 480), (800, 600), (480, 640))
    )
    assert frames.warnings(wide, wider) == frames.warnings(wide, None) == ()
    (sentence,) = frames.warnings(wide, tall)
    assert "480x640" in sentence
    assert "cropped" in sentence


def test_the_warning_reaches_the_owner(world):
    job = world.post(last=picture(480, 640)).get_json()
    assert "cropped" in job["warnings"][0]
    assert world.job(job["id"])["warnings"] == job["warnings"]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_mutation_of_a_picture_crashes(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "BMP", "WEBP"]))
    good = bytearray(picture(260, 260, kind=kind))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ApiError):
        frame = frames.check(bytes(good[: data.draw(st.integers(1, len(good)))]), "first_frame")
        assert frame.width >= 240
