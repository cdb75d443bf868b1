"""Which film it becomes: of every pair one, and of a single frame a push-in."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import color, data

from lib.emulator import film
from lib.emulator.film.inspection import pictures


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def luma(bgr):
    return color.rgb2gray(bgr[..., ::-1])


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
