"""The judge of films: what real encoders write passes, everything else is refused with a reason."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.mp4 import NotTheFilm, Probe


def judge(data, step=1 << 16):
    probe = Probe()
    for at in range(0, len(data), step):
        probe.feed(data[at : at + step])
    return probe.film()


@pytest.fixture(scope="module")
def good(make_film):
    return make_film()


@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
def test_a_film_of_ours_passes_however_it_is_cut_into_blocks(good, step):
    film = judge(good, step)
    assert (film.duration_s, film.width, film.height, film.samples) == (5.0, 64, 48, 150)


def test_moov_may_come_last(make_film):
    assert judge(make_film(faststart=False)).samples == 150


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"frames": 140}, "lasts 4.667 s"),
        ({"frames": 160}, "lasts 5.33[34] s"),
        ({"codec": "mpeg4"}, "codec is 'mp4v'"),
        ({"audio": True}, "2 tracks"),
    ],
)
def test_another_film_is_refused_with_its_reason(make_film, options, reason):
    with pytest.raises(NotTheFilm, match=reason):
        judge(make_film(**options))


@given(st.data())
@settings(max_examples=200)
def test_no_cut_at_any_byte_passes(good, data):
    at = data.draw(st.integers(0, len(good) - 1))
    with pytest.raises(NotTheFilm):
        judge(good[:at])


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_crashes(noise):
    with pytest.raises(NotTheFilm):
        judge(noise)


@given(st.data())
@settings(max_examples=300)
def test_a_damaged_head_never_crashes(good, data):
    at = data.draw(st.integers(0, 3000))
    byte = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotTheFilm):
        judge(good[:at] + bytes([byte]) + good[at + 1 :])


def test_missing_pictures_are_noticed_even_when_the_boxes_add_up(good):
    at = good.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", good, at)
    shorter = good[:at] + struct.pack(">I", size - 100) + good[at + 4 : at + size - 100]
    with pytest.raises(NotTheFilm, match="pictures are missing"):
        judge(shorter)


def test_an_error_page_is_refused():
    with pytest.raises(NotTheFilm, match="does not begin like an MP4"):
        judge(b"<html><body>AccessDenied</body></html>")
