"""Numbers and JSON from outside: read within bounds, or not at all, and never an error of another kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.emulator.numbers import document, whole


@given(st.integers(0, 10**19 - 1))
def test_a_whole_number_is_itself(number):
    assert whole(str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "²", "٣", "1.0", "--5", "1e3"])
def test_what_is_no_plain_number_is_none(text):
    assert whole(text) is None


def test_a_number_of_thousands_of_digits_is_the_largest_and_no_error():
    assert whole("9" * 5000) == 10**19


@given(st.text(max_size=40))
def test_nothing_raises(text):
    found = whole(text)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, "NaN", "Infinity", '"\\ud800"', "9" * 5000, b"\xff", b"\x00"],
    ids=["empty", "open", "deep", "nan", "infinite", "half", "digits", "bytes", "zero"],
)
def test_what_is_no_document_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        document(text)


def test_a_document_is_what_it_says():
    assert document('{"a": [1, "ü", null]}') == {"a": [1, "ü", None]}
