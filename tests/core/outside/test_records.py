"""Fields of a stored record: read within bounds, or the record is not readable; nothing is guessed."""

import re

import pytest

from lib.core.outside.records import Fields, NotReadable, record

CARD = {
    "text": "abc", "count": 7, "at": 5.5, "flag": True, "pair": [3, 4], "none": None,
    "texts": ["a"], "times": {"a": 1.0, "b": "soon"}, "table": {"x": 1},
}  # fmt: skip


@pytest.fixture
def fields():
    return Fields(CARD, "the card")


def test_what_fits_is_read(fields):
    assert (fields.text("text"), fields.whole("count"), fields.number("at")) == ("abc", 7, 5.5)
    assert (fields.pair("pair"), fields.texts("texts")) == ((3, 4), ("a",))
    assert fields.text_or_none("none") is fields.whole_or_none("none", 9) is None
    assert (fields.text_or_none("text"), fields.whole_or_none("count", 9)) == ("abc", 7)
    assert (fields.flag("flag", default=False), fields.flag_or_none("flag")) == (True, True)
    assert fields.flag_or_none("none") is None
    assert (fields.table("table"), fields.anything("table")) == ({"x": 1}, {"x": 1})
    assert fields.matching("text", re.compile("[a-c]+")) == "abc"
    assert fields.beside(CARD.keys() - {"at", "count"}) == {"at": 5.5, "count": 7}
    assert (fields.given("none"), fields.given("text")) == (False, True)


def test_what_is_missing_has_its_default_or_makes_the_record_unreadable(fields):
    assert fields.text("gone", "d") == "d"
    assert fields.flag("gone", default=True) is True
    assert fields.texts("gone") == ()
    with pytest.raises(NotReadable, match="the card has no gone"):
        fields.text("gone")


@pytest.mark.parametrize(
    "read",
    [
        lambda fields: fields.text("count"),
        lambda fields: fields.text("text", at_most=2),
        lambda fields: fields.whole("text"),
        lambda fields: fields.whole("count", high=6),
        lambda fields: fields.number("at", high=5.0),
        lambda fields: fields.flag("count", default=False),
        lambda fields: fields.pair("texts"),
        lambda fields: fields.texts("pair"),
        lambda fields: fields.table("texts"),
        lambda fields: fields.matching("text", re.compile("b+")),
    ],
    ids=["text", "long", "whole", "high", "late", "flag", "pair", "texts", "table", "pattern"],
)
def test_another_type_or_beyond_its_bounds_is_not_readable(fields, read):
    with pytest.raises(NotReadable, match="another type or beyond its bounds"):
        read(fields)


def test_a_time_of_a_log_that_is_none_is_passed_over(fields):
    assert fields.moments("times") == {"a": 1.0}


def test_a_body_that_is_a_record_is_read():
    assert record(b'{"a": {"b": 1}}') == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"{", "no JSON"), (b"[]", "no JSON object"), (b'{"a": "\\ud800"}', "half a character")],
)
def test_a_body_that_is_no_record_says_why(body, why):
    with pytest.raises(NotReadable, match=why):
        record(body)
