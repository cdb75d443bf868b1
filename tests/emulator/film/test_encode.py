"""Pictures into a film: as many as came, in their order, with the index in front."""

import numpy as np

from lib.emulator.film.effort import FAST
from lib.emulator.film.encode import encode
from lib.emulator.film.inspection import pictures, probe

SIZE = (64, 48)


def plain(level):
    """A gray NV12 picture."""
    luma = np.full((SIZE[1], SIZE[0]), level, np.uint8)
    return np.vstack([luma, np.full((SIZE[1] // 2, SIZE[0]), 128, np.uint8)])


def test_a_film_has_the_pictures_that_came_in_their_order():
    mp4 = encode((plain(level) for level in (40, 120, 200)), SIZE, FAST)
    levels = [float(picture.mean()) for picture in pictures(mp4)]
    assert len(levels) == 3
    assert levels == sorted(levels)
    assert levels[2] - levels[0] > 100


def test_its_form_is_the_services():
    facts = probe(encode([plain(90)] * 30, SIZE, FAST))
    assert (facts["width"], facts["height"]) == SIZE
    assert (facts["fps"], facts["frames"], facts["duration_s"]) == (30.0, 30, 1.0)
    assert (facts["audio"], facts["faststart"]) == (False, True)
