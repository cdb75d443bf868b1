"""JSON from outside: what it says, or one exception; a number that is too long hides no other."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.outside.documents import DIGITS_AT_MOST, NotJson, document
from lib.core.outside.numbers import digits
from lib.core.outside.records import NotReadable, record
from lib.core.upstream import reader
from lib.core.webhooks import read_log

LONG = "9" * 5000
DEEP = "[" * 100_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_json_writes_is_read(value):
    assert document(json.dumps(value)) == value


@given(st.text() | st.binary())
def test_anything_else_is_one_exception(text):
    with contextlib.suppress(NotJson):
        document(text)


def test_a_number_that_is_too_long_is_infinite():
    assert document(f'{{"a": {LONG}, "b": -{LONG}, "c": 7}}') == {
        "a": math.inf,
        "b": -math.inf,
        "c": 7,
    }
    assert document("9" * DIGITS_AT_MOST) == int("9" * DIGITS_AT_MOST)
    assert document(b"1e400") == math.inf


@pytest.mark.parametrize(
    "text", [DEEP, '{"a":' * 100_000, "{", "", "²", "01", "--5", b"\xff", "[1,]"]
)
def test_what_is_none_is_refused_with_a_sentence(text):
    with pytest.raises(NotJson, match=r"^is .*\.$"):
        document(text)


def test_constants_that_json_does_not_have_are_refused_where_asked():
    assert document("Infinity") == math.inf
    with pytest.raises(NotJson, match="NaN is not allowed"):
        document("NaN", strict=True)


def test_one_long_number_does_not_hide_a_task_that_is_paid_for():
    said = f'{{"output": {{"task_id": "t-1"}}, "request_id": "r", "usage": {{"n": {LONG}}}}}'
    assert reader.outcome(200, said.encode(), None).task_id == "t-1"
    said = f'{{"output": {{"task_status": "RUNNING"}}, "usage": {{"n": {LONG}, "m": 3}}}}'
    assert reader.report("t-1", reader.parse(said.encode())).usage == {"m": 3}


def test_stored_records_and_logs_of_webhooks_are_read_the_same_way():
    for text in (DEEP, "²", LONG):
        with pytest.raises(NotReadable):
            record(text.encode())
        with pytest.raises(NotReadable):
            read_log(text)
    with pytest.raises(NotReadable):
        read_log(f'[[{LONG}, 1, 200, "delivered"]]')


def test_digits_are_ascii_and_nothing_else():
    for odd in (
        "",
        "²",
        "٣",
        "+5",
        "-5",
        " 5",
        "5 ",
        "5\n",
        "1_0",
        "0x5",
        5,
        None,
        True,
        5.0,
        LONG,
    ):
        assert digits(odd, 100) is None, odd
    assert digits("0", 9) == digits("000", 9) == 0
    assert digits("0" * 5000 + "7", 9) == 7
    assert digits("10", 9) is None
    assert digits("10", 9, cut=True) == digits(LONG, 9, cut=True) == 9
