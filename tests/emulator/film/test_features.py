"""What two frames share: the camera that their points vote for, and none where they share nothing."""

import numpy as np
import pytest
from skimage import color, data

from lib.emulator.film.effort import CAREFUL
from lib.emulator.film.features import camera_moves, matches

SIZE = (320, 240)


@pytest.fixture(scope="module")
def photo():
    return (color.rgb2gray(data.coffee()) * 255).round().astype(np.uint8)


def window(photo, left, top):
    return np.ascontiguousarray(photo[top : top + SIZE[1], left : left + SIZE[0]])


def test_a_pan_is_found_as_the_shift_that_it_is(photo):
    start, end = matches(window(photo, 100, 60), window(photo, 130, 75), CAREFUL)
    moves = camera_moves(start, end, SIZE)
    assert moves
    assert moves[0] == pytest.approx(np.array([[1, 0, -30], [0, 1, -15], [0, 0, 1]]), abs=0.6)


def test_pictures_without_a_common_point_have_no_camera(photo):
    other = (color.rgb2gray(data.astronaut()) * 255).round().astype(np.uint8)
    start, end = matches(window(photo, 100, 60), window(other, 100, 60), CAREFUL)
    assert camera_moves(start, end, SIZE) == []


def test_a_plain_picture_has_no_points(photo):
    start, end = matches(np.full(SIZE[::-1], 90, np.uint8), window(photo, 100, 60), CAREFUL)
    assert len(start) == len(end) == 0
