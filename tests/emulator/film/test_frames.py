"""Pictures of one plan: the ends are the frames themselves, and between them the camera is on its way."""

import numpy as np
import pytest
from skimage import data

from lib.emulator.film.effort import FAST, FRAMES
from lib.emulator.film.frames import PictureRenderer
from lib.emulator.film.pictures import planes
from lib.emulator.film.plan import Plan, make_plan, push_in
from lib.emulator.film.style import style_of

SIZE = (320, 240)


def frame(left):
    return planes(np.ascontiguousarray(data.coffee()[60:300, left : left + 320, ::-1]), SIZE)


@pytest.fixture(scope="module")
def pan():
    first, last, style = frame(100), frame(140), style_of(1)
    plan = make_plan(first, last, style, FAST)
    return first, last, PictureRenderer(first, last, plan, style, FAST, alone=False)


def apart(one, other):
    return float(np.abs(one.y.astype(float) - other.y).mean())


def test_the_ends_are_the_frames_to_the_byte(pan):
    first, last, renderer = pan
    assert renderer.picture(0) is first
    assert renderer.picture(FRAMES - 1) is last


def test_between_them_the_way_leads_from_one_to_the_other(pan):
    first, last, renderer = pan
    early, late = renderer.picture(30), renderer.picture(120)
    assert early.y.shape == first.y.shape
    assert early.uv.shape == first.uv.shape
    assert apart(early, first) < apart(late, first)
    assert apart(late, last) < apart(early, last)


def test_a_single_frame_is_come_nearer_to_until_the_end():
    first, style = frame(100), style_of(1)
    plan = Plan(push_in(SIZE, style), None)
    renderer = PictureRenderer(first, first, plan, style, FAST, alone=True)
    assert apart(renderer.picture(FRAMES - 1), first) > apart(renderer.picture(40), first) > 0
