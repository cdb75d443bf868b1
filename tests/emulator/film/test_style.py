"""What a seed decides: an even way from end to end, and a camera that stands still at both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.emulator.film.style import style_of

SEEDS = st.integers(0, 2147483647)


@given(SEEDS)
def test_progress_goes_from_end_to_end_never_back_and_evenly(seed):
    style = style_of(seed)
    way = [style.progress(step / 100) for step in range(101)]
    assert (way[0], way[100]) == (pytest.approx(0.0), pytest.approx(1.0))
    assert way == sorted(way)
    assert style.progress(0.3) + style.progress(0.7) == pytest.approx(1.0)


@given(SEEDS)
def test_the_camera_stands_still_at_both_ends_and_where_it_has_a_way_to_go(seed):
    style, size = style_of(seed), (320, 240)
    for time in (0.0, 1.0):
        assert style.drift(time, size, 0.0) == pytest.approx(np.eye(3), abs=1e-9)
    assert style.drift(0.5, size, 1.0) == pytest.approx(np.eye(3), abs=1e-9)
    assert style.drift(0.4, size, 0.0) != pytest.approx(np.eye(3), abs=1e-9)


def test_the_same_seed_is_the_same_style_and_others_are_others():
    assert style_of(7) == style_of(7)
    assert len({style_of(seed) for seed in range(50)}) == 50
