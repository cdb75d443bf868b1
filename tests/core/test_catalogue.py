"""What a region offers, what a wrong name is told, and how large a film becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core import catalogue
from lib.core.errors import ApiError
from lib.emulator.film.size import output_size


def refused(call, *arguments):
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value


def test_a_misspelt_model_is_told_the_near_one_and_all_that_are_allowed():
    error = refused(catalogue.resolve, "singapore", "wan2.2-kf2v-flahs")
    assert (error.kind.code, error.param) == ("unsupported_model", "model")
    assert "Did you mean wan2.2-kf2v-flash?" in error.message
    assert "wan2.1-kf2v-plus" in error.message


def test_a_model_of_the_other_region_is_told_its_name_here():
    error = refused(catalogue.resolve, "singapore", "wanx2.1-kf2v-plus")
    assert "belongs to region beijing" in error.message
    assert "called wan2.1-kf2v-plus there" in error.message
    assert catalogue.resolve("beijing", "wanx2.1-kf2v-plus").region == "beijing"


def test_no_name_is_repeated_at_length():
    assert len(refused(catalogue.resolve, "beijing", "x" * 5000).message) < 300


def test_a_tier_that_a_model_does_not_render_is_told_who_does():
    plus = catalogue.resolve("singapore", "wan2.1-kf2v-plus")
    catalogue.check_resolution(plus, "720P")
    error = refused(catalogue.check_resolution, plus, "480P")
    assert error.param == "resolution"
    assert "480P is rendered by wan2.2-kf2v-flash" in error.message


def test_a_published_price_is_the_pages_and_one_that_is_not_is_none():
    """Model Studio, "Model pricing": yuan for a second of film."""
    flash = catalogue.resolve("beijing", "wan2.2-kf2v-flash")
    prices = {tier: str(price.amount) for tier, price in flash.price_per_s.items()}
    assert prices == {"480P": "0.10", "720P": "0.20", "1080P": "0.48"}
    assert {price.currency for price in flash.price_per_s.values()} == {"CNY"}
    abroad = catalogue.resolve("singapore", "wan2.2-kf2v-flash")
    assert set(abroad.price_per_s.values()) == {None}


def test_the_guides_example_of_a_size():
    assert catalogue.output_size(750, 1000, "720P") == (816, 1104)


@given(st.integers(240, 8000), st.integers(240, 8000), st.sampled_from(["480P", "720P", "1080P"]))
def test_a_size_is_the_one_that_the_emulated_service_renders(width, height, tier):
    """Written twice, in integers here and there in its own way; the two never differ."""
    assert catalogue.output_size(width, height, tier) == output_size(width, height, tier)
