"""What still moves after the camera: nothing where nothing does, no word on views that share nothing."""

import numpy as np
import pytest
from skimage import color, data

from lib.emulator.film.effort import CAREFUL
from lib.emulator.film.geometry import Path
from lib.emulator.film.residual import Exposure, measure

SIZE = (320, 240)


@pytest.fixture(scope="module")
def photo():
    return (color.rgb2gray(data.coffee())[60:300, 100:420] * 255).round().astype(np.uint8)


def still():
    return Path(np.eye(3), SIZE)


def test_the_same_picture_does_not_move_and_is_trusted(photo):
    found = measure(photo, photo, still(), CAREFUL)
    assert np.abs(found.ahead).max() < 0.1
    assert found.confidence > 0.95
    assert found.exposure.plain


def test_a_shift_that_the_camera_does_not_explain_is_the_residual(photo):
    moved = np.roll(photo, 4, axis=1)
    found = measure(photo, moved, still(), CAREFUL)
    assert float(np.median(found.ahead[..., 0])) == pytest.approx(4, abs=0.5)
    assert float(np.median(found.back[..., 0])) == pytest.approx(-4, abs=0.5)
    assert found.score > measure(photo, photo, still(), CAREFUL).score


def test_a_change_of_light_is_told_from_a_change_of_place(photo):
    darker = (photo * 0.8).round().astype(np.uint8)
    found = measure(photo, darker, still(), CAREFUL)
    assert found.exposure.gain == pytest.approx(0.8, abs=0.05)
    assert not found.exposure.plain
    assert Exposure().plain


def test_views_that_share_nothing_have_none(photo):
    away = Path(np.array([[1, 0, -5000], [0, 1, 0], [0, 0, 1.0]]), SIZE)
    assert measure(photo, photo, away, CAREFUL) is None
