"""What the `moov` of a film says: what of it is believed, and what is damage and takes no memory."""

import pytest

from lib.core.media.mp4 import NotTheFilm, Probe, differences
from tests import films


def judge(data, step=1 << 16):
    probe = Probe()
    for at in range(0, len(data), step):
        probe.feed(data[at : at + step])
    return probe.film()


@pytest.fixture(scope="module")
def good(make_film):
    return make_film()


def test_a_moov_of_nothing_but_tiny_boxes_is_damaged_and_takes_no_memory(good):
    crowd = films.box(b"moov", films.box(b"free") * 100_000)
    with pytest.raises(NotTheFilm, match="damaged"):
        judge(dict(films.boxes(good))[b"ftyp"] + crowd)


SIZE = (64, 48)


def nulled(film, kind, at, size):
    start = film.index(kind) + 4 + at
    return film[:start] + bytes(size) + film[start + size :]


def test_a_film_that_does_not_say_how_long_it_is_takes_its_tracks_word_or_is_one_with_a_sentence(
    good,
):
    silent = nulled(good, b"mvhd", 16, 4)
    assert judge(silent).duration_s == pytest.approx(5.0, abs=0.1)
    (found,) = differences(judge(nulled(silent, b"mdhd", 16, 4)), SIZE)
    assert "does not say how long it is" in found


def test_a_duration_of_years_is_not_believed(good):
    at = good.index(b"mvhd") + 4 + 16
    film = judge(good[:at] + b"\xf0\0\0\0" + good[at + 4 :])
    assert film.duration_s == pytest.approx(5.0, abs=0.1)  # the track's word


def test_a_table_that_claims_more_than_it_holds_is_damaged(good):
    at = good.index(b"stsz") + 4 + 8
    for claim in (b"\xff\xff\xff\xff", b"\0\1\0\0"):
        with pytest.raises(NotTheFilm, match="moov box is damaged"):
            judge(good[:at] + claim + good[at + 4 :])
