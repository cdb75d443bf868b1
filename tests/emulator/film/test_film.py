"""The film itself: its form, its ends, its motion, and that the same seed gives the same bytes."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image
from skimage import color, data, metrics, transform

from lib.emulator import film
from lib.emulator.film.inspection import pictures
from lib.emulator.samples import monster


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def luma(bgr):
    return color.rgb2gray(bgr[..., ::-1])


def crop(image, centre, width, size):
    """A window of a photograph, resampled to a size."""
    height = width * size[1] / size[0]
    left, top = centre[0] - width / 2, centre[1] - height / 2
    scale = transform.AffineTransform(scale=width / size[0], translation=(left, top))
    warped = transform.warp(image, scale, output_shape=(size[1], size[0]), order=3, mode="reflect")
    return (np.clip(warped, 0, 1) * 255).round().astype(np.uint8)


SIZE = (832, 464)
MOVE = [((230, 200), 300), ((330, 190), 220)]


@pytest.fixture(scope="module")
def pan():
    photo = data.coffee()
    first, last = (crop(photo, *view, SIZE) for view in MOVE)
    return first, last, film.render(png(first), png(last), resolution="480P", seed=1)


@pytest.fixture(scope="module")
def scene():
    return film.render(monster.first(), monster.last(), resolution="480P", seed=1, fast=True)


def test_the_form_is_that_of_the_service(pan):
    facts = film.probe(pan[2])
    wanted = {"codec": "h264", "pix_fmt": "yuv420p", "fps": 30.0, "frames": 150, "duration_s": 5.0}
    wanted |= {"width": 832, "height": 464, "audio": False, "faststart": True}
    assert {key: facts[key] for key in wanted} == wanted


def test_the_film_begins_and_ends_with_the_two_frames(pan):
    first, last, mp4 = pan
    shown = pictures(mp4)
    for frame, given_frame in ((shown[0], first), (shown[-1], last)):
        likeness = metrics.structural_similarity(
            luma(frame), color.rgb2gray(given_frame), data_range=1
        )
        assert likeness >= 0.95


def test_the_middle_follows_the_camera_instead_of_dissolving(pan):
    first, last, mp4 = pan
    middle = luma(pictures(mp4)[75])
    (from_centre, from_width), (to_centre, to_width) = MOVE
    dissolve = (color.rgb2gray(first) + color.rgb2gray(last)) / 2
    best = 0.0
    for share in np.linspace(0.4, 0.6, 41):
        # The camera zooms evenly by factor; its centre keeps pace with the zoom.
        width = from_width * (to_width / from_width) ** share
        way = (width - from_width) / (to_width - from_width)
        centre = np.array(from_centre) + way * (np.array(to_centre) - np.array(from_centre))
        truth = color.rgb2gray(crop(data.coffee(), centre, width, SIZE))
        ours = metrics.peak_signal_noise_ratio(truth, middle, data_range=1)
        theirs = metrics.peak_signal_noise_ratio(truth, dissolve, data_range=1)
        best = max(best, ours - theirs)
    assert best >= 6.0


@pytest.mark.parametrize("which", ["pan", "scene"])
def test_it_moves_smoothly_and_never_stands_still(which, request):
    made = request.getfixturevalue(which)
    shown = [luma(frame) for frame in pictures(made if isinstance(made, bytes) else made[2])]
    steps = [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(shown)]
    assert max(steps) <= 2.5 * float(np.mean(steps))
    still = [step == 0.0 for step in steps]
    assert not any(a and b for a, b in itertools.pairwise(still))
