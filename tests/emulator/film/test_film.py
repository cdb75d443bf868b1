"""The film itself: its form, its ends, its motion, and that the same seed gives the same bytes."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import color, data, metrics, transform

from lib.emulator import film
from lib.emulator.film.inspection import pictures
from lib.emulator.samples import monster

AREAS = {"480P": 480 * 832, "720P": 720 * 1280, "1080P": 1080 * 1920}


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


@given(st.integers(240, 8000), st.integers(240, 8000), st.sampled_from(list(AREAS)))
def test_both_sides_are_multiples_of_16_and_the_area_is_never_above_the_tier(width, height, tier):
    made = film.output_size(width, height, tier)
    assert all(side % 16 == 0 for side in made)
    assert made[0] * made[1] <= AREAS[tier]


@pytest.mark.parametrize(
    ("first", "tier", "size"),
    [
        ((750, 1000), "720P", (816, 1104)),
        ((832, 480), "480P", (832, 480)),
        ((1280, 720), "720P", (1280, 720)),
        ((1920, 1080), "1080P", (1920, 1072)),
        ((2000, 360), "720P", (2256, 400)),
    ],
)
def test_known_sizes(first, tier, size):
    assert film.output_size(*first, tier) == size


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


def test_the_same_seed_gives_the_same_bytes():
    again = [
        film.render(monster.first(), monster.last(), resolution="480P", seed=5, fast=True)
        for _ in range(2)
    ]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    "pair",
    [
        (data.astronaut()[:300, :400], data.astronaut()[:300, :400]),
        (np.full((300, 400, 3), 90, np.uint8), np.full((300, 400, 3), 160, np.uint8)),
        (data.astronaut()[:360, :480], data.cat()[:270, :360]),
        (data.astronaut()[:250, :512], data.coffee()[:300, :300]),
    ],
    ids=["identical", "flat", "unrelated", "other-shape"],
)
def test_every_pair_makes_a_film(pair):
    mp4 = film.render(png(pair[0]), png(pair[1]), resolution="480P", fast=True)
    assert film.probe(mp4)["frames"] == 150


def test_without_a_last_frame_the_camera_pushes_in():
    mp4 = film.render(png(data.coffee()), None, resolution="480P", fast=True)
    shown = pictures(mp4)
    assert float(np.abs(luma(shown[0]) - luma(shown[-1])).mean()) > 0.005


def test_the_watermark_touches_the_lower_right_corner_alone():
    frame = png(np.full((464, 832, 3), 60, np.uint8))
    plain, marked = (
        pictures(film.render(frame, frame, resolution="480P", fast=True, watermark=on))[75]
        for on in (False, True)
    )
    changed = np.argwhere(np.abs(luma(plain) - luma(marked)) > 0.1)
    assert len(changed) > 50
    assert changed[:, 0].min() > 464 * 0.9
    assert changed[:, 1].min() > 832 * 0.85


def test_what_is_no_picture_is_refused():
    with pytest.raises(film.BadPicture):
        film.render(b"no picture", None, resolution="480P")
