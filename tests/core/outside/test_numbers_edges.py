"""Numbers from outside at their bounds: what is the last that is taken, and the first that is not."""

import time

import pytest

from lib.core.outside.numbers import digits, http_date, number, retry_after_s, whole

NOW = 1_780_000_000.0  # Thu, 28 May 2026 20:26:40 GMT
INFINITE = float("inf")


@pytest.mark.parametrize("read", [number, whole])
def test_both_bounds_are_taken_and_nothing_beyond_them(read):
    assert [read(value, -2, 5) for value in (-3, -2, 5, 6)] == [None, -2, 5, None]
    assert [read(str(value), -2, 5) for value in (-3, -2, 5, 6)] == [None, -2, 5, None]


@pytest.mark.parametrize("read", [number, whole])
def test_a_text_is_read_up_to_forty_characters(read):
    assert read("7".zfill(40), 0, 9) == 7
    assert read(f"  {'7'.zfill(40)}\n", 0, 9) == 7
    assert read("7".zfill(41), 0, 9) is None


@pytest.mark.parametrize("read", [number, whole])
@pytest.mark.parametrize("value", [True, False, None, b"1", [1], {}, 1j, "", "1,5", "one"])
def test_what_is_no_number_is_none(read, value):
    assert read(value, 0, 9) is None


def test_a_whole_number_of_more_than_512_bits_is_no_float():
    assert number(2**511, 0, 1e300) == 2.0**511
    assert number(2**512 - 1, 0, 1e300) == 2.0**512
    assert number(2**512, 0, 1e300) is None
    assert number(-(2**512), -1e300, 0) is None


def test_a_number_is_finite_whatever_its_bounds():
    for odd in (INFINITE, -INFINITE, float("nan"), "1e999"):
        assert number(odd, -INFINITE, INFINITE) is None
        assert whole(odd, -9, 9) is None


def test_a_float_without_a_fraction_is_whole():
    found = whole(3.0, 0, 9)
    assert (found, type(found)) == (3, int)
    assert whole(3.5, 0, 9) is None


# Dates and waits


@pytest.fixture
def elsewhere(monkeypatch):
    """This machine's own time is another one than UTC."""
    monkeypatch.setenv("TZ", "UTC+7")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_a_date_without_another_zone_is_in_utc_wherever_this_runs(zone):
    assert http_date(f"Thu, 28 May 2026 20:26:40 {zone}") == NOW


def test_a_date_keeps_the_zone_that_it_names():
    assert http_date("Thu, 28 May 2026 13:26:40 -0700") == NOW


def test_a_date_is_read_up_to_forty_characters():
    date = "Thu, 28 May 2026 20:26:40 GMT"
    assert http_date(date.ljust(40)) == NOW
    assert http_date(date.ljust(41)) is None


@pytest.mark.parametrize("odd", [None, 7, b"Thu, 28 May 2026 20:26:40 GMT", [], "soon", ""])
def test_anything_else_is_no_date(odd):
    assert http_date(odd) is None
    assert retry_after_s(odd, NOW, 300.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        (" 300 ", 300),
        ("301", 300),
        ("-1", 0),
        ("7".zfill(40), 7),
        ("7".zfill(41), 300),  # too long to be read: the longest wait that is allowed
        ("Thu, 28 May 2026 20:26:40 GMT", 0),
        ("Thu, 28 May 2026 20:26:41 GMT", 1),
        ("Thu, 28 May 2026 20:31:41 GMT", 300),
        ("Thu, 28 May 2026 20:26:39 GMT", 0),
    ],
)
def test_a_wait_is_neither_negative_nor_longer_than_its_bound(text, seconds):
    assert retry_after_s(text, NOW, 300.0) == seconds


@pytest.mark.parametrize(
    ("text", "found"), [("0", 0), ("007", 7), ("10", 10), ("11", 10), ("9" * 5000, 10)]
)
def test_digits_beyond_the_bound_are_cut_to_it_and_others_are_what_they_say(text, found):
    assert digits(text, 10, cut=True) == found
