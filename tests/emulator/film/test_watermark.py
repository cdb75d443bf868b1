"""The words in the corner of a film."""

import io

import numpy as np
from PIL import Image
from skimage import color

from lib.emulator import film
from lib.emulator.film.inspection import pictures


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def luma(bgr):
    return color.rgb2gray(bgr[..., ::-1])


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
