"""A film on its way: counted and judged as it passes, and of a refusal whether the same again helps."""

import base64

import google_crc32c
import pytest

from lib.adapters.files import incoming
from lib.adapters.files.incoming import Incoming, NotDelivered, Unusable
from lib.core.media.mp4 import CutOff, NotTheFilm


def passed(data, length=None, ours=lambda: True):
    coming = Incoming([data[:100], b"", data[100:]], length, ours)
    return coming, b"".join(coming)


def test_the_bytes_pass_unchanged_and_are_summed(make_film):
    data = make_film()
    coming, out = passed(data, len(data))
    coming.confirm()
    assert out == data
    assert coming.size == len(data)
    expected = google_crc32c.value(data).to_bytes(4, "big")
    assert coming.crc32c == base64.b64encode(expected).decode()
    assert coming.film.samples == 150


def test_fewer_bytes_than_declared_are_not_the_film(make_film):
    data = make_film()
    with pytest.raises(NotDelivered, match=f"{len(data)} of {len(data) + 1} bytes"):
        passed(data, len(data) + 1)[0].confirm()


def test_a_copy_that_may_not_go_on_stops_at_the_next_block(make_film):
    asked = iter([True, False])
    coming = Incoming([make_film()[:100]] * 3, None, lambda: next(asked))
    with pytest.raises(NotDelivered, match="lease"):
        list(coming)
    assert coming.size == 100


def test_too_much_is_refused_by_what_was_declared_and_by_what_came(make_film, monkeypatch):
    with pytest.raises(NotTheFilm, match="larger than"):
        passed(b"", incoming.VIDEO_AT_MOST + 1)
    monkeypatch.setattr(incoming, "VIDEO_AT_MOST", 1000)
    with pytest.raises(NotTheFilm, match="larger than 1000"):
        passed(make_film())


def test_only_an_end_that_nobody_declared_may_be_lost_on_the_way():
    lost, bad = CutOff("cut"), NotTheFilm("bad")
    undeclared, declared = Incoming([], None, bool), Incoming([], 5, bool)
    assert type(undeclared.refusal(lost)) is NotDelivered
    assert type(declared.refusal(lost)) is Unusable
    assert type(undeclared.refusal(bad)) is Unusable
