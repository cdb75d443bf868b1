"""Whatever comes from outside is a number within its bounds, or nothing; never an exception."""

from hypothesis import given
from hypothesis import strategies as st

from lib.core.outside.numbers import http_date, number, retry_after_s, whole

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.none()),
)


@given(ANYTHING)
def test_anything_is_within_its_bounds_or_nothing(value):
    for found in (number(value, -5, 5), whole(value, -5, 5)):
        assert found is None or -5 <= found <= 5
    http_date(value)
    seconds = retry_after_s(value, 1_780_000_000.0, 300.0)
    assert seconds is None or 0 <= seconds <= 300


@given(st.floats(-1e6, 1e6))
def test_a_float_survives_its_own_text(value):
    assert number(repr(value), -1e6, 1e6) == value


def test_what_is_no_plain_number_is_none():
    for odd in ("", "nan", "inf", "1e400", "-1e400", "²", "٣", "1_000", "0x10", "--5", "9" * 5000):
        assert number(odd, -1e300, 1e300) is None, odd
        assert whole(odd, -(10**30), 10**30) is None, odd
    assert number(10**400, 0, 1e300) is None
    assert whole(True, 0, 5) is None  # noqa: FBT003 - a flag is no number
    assert whole("12", 0, 99) == 12
    assert whole(12.0, 0, 99) == 12
    assert whole(12.5, 0, 99) is None


def test_a_retry_after_is_seconds_or_a_date_and_never_a_year():
    now = 1_780_000_000.0  # Thu, 28 May 2026 20:26:40 GMT
    assert retry_after_s("7", now, 300.0) == 7
    assert retry_after_s("31536000", now, 300.0) == 300
    assert retry_after_s("9" * 5000, now, 300.0) == 300
    assert retry_after_s("Thu, 28 May 2026 20:27:10 GMT", now, 300.0) == 30
    assert retry_after_s("Thu, 28 May 2020 20:27:10 GMT", now, 300.0) == 0
    assert retry_after_s("soon", now, 300.0) is None
    assert retry_after_s("-3", now, 300.0) == 0
