"""The size rule: sides and areas of films."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.emulator import film

AREAS = {"480P": 480 * 832, "720P": 720 * 1280, "1080P": 1080 * 1920}


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
