"""The judge of films: what is whole and playable passes, with words for what was not ordered."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.media.mp4 import CutOff, NotTheFilm, Probe, differences
from tests import films

SIZE = (64, 48)


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
    assert differences(film, SIZE) == ()


def test_moov_may_come_last(make_film):
    assert judge(make_film(faststart=False)).samples == 150


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"frames": 156}, "lasts 5.20 s; 5 s were ordered"),
        ({"frames": 145}, "lasts 4.83 s; 5 s were ordered"),
        ({"frames": 250}, "lasts 8.33 s"),
        ({"codec": "mpeg4"}, "codec is 'mp4v' instead of H.264"),
        ({"codec": "libx265"}, "codec is 'hev1' instead of H.264"),
        ({"audio": True}, "has 2 tracks, sound among them"),
    ],
)
def test_a_whole_film_that_was_not_ordered_so_is_one_with_a_sentence(make_film, options, sentence):
    film = judge(make_film(**options))
    (found,) = differences(film, SIZE)
    assert sentence in found


def test_another_size_is_said(good):
    assert differences(judge(good), (1280, 720)) == ("The film is 64x48; 1280x720 was expected.",)


def test_sound_alone_is_no_film(make_film):
    film = make_film(audio=True)
    with pytest.raises(NotTheFilm, match="no picture track"):
        judge(film.replace(b"vide", b"hint", 1))


@given(st.data())
@settings(max_examples=200)
def test_no_cut_at_any_byte_passes(good, data):
    at = data.draw(st.integers(0, len(good) - 1))
    with pytest.raises(NotTheFilm):
        judge(good[:at])


def test_a_cut_inside_a_box_is_told_from_a_bad_film(good):
    with pytest.raises(CutOff):
        judge(good[:-1])


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_crashes(noise):
    with pytest.raises(NotTheFilm):
        judge(noise)


@pytest.mark.parametrize("kind", ["plain", "fragmented", "sound", "last"])
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_film_is_a_film_or_none_and_never_a_crash(make_film, kind, data):
    film = {
        "plain": make_film,
        "fragmented": films.fragmented,
        "sound": lambda: make_film(audio=True),
        "last": lambda: make_film(faststart=False),
    }[kind]()
    heads = [film.index(name) for name in (b"moov", b"trak", b"stsz", b"mvhd") if name in film]
    begin = data.draw(st.sampled_from([0, *heads]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = min(begin + data.draw(st.integers(0, 700)), len(film))
        put = data.draw(st.binary(max_size=8))
        film = film[:at] + put + film[at + data.draw(st.sampled_from([0, len(put), 4])) :]
    with contextlib.suppress(NotTheFilm):
        found = judge(film, 1 << 16)
        assert 0 <= found.duration_s <= 24 * 3600
        assert all(len(sentence) < 120 for sentence in differences(found, SIZE))


def test_missing_pictures_are_noticed_even_when_the_boxes_add_up(good):
    at = good.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", good, at)
    shorter = good[:at] + struct.pack(">I", size - 100) + good[at + 4 : at + size - 100]
    with pytest.raises(NotTheFilm, match="pictures are missing"):
        judge(shorter)


def test_an_error_page_is_refused():
    with pytest.raises(NotTheFilm, match="does not begin like an MP4"):
        judge(b"<html><body>AccessDenied</body></html>")


def test_several_mdat_and_free_boxes_are_legal(make_film):
    parts = dict(films.boxes(make_film(faststart=False)))
    media = parts[b"mdat"][8:]
    whole = b"".join(
        [
            films.box(b"free"),
            parts[b"ftyp"],
            films.box(b"free", b"room"),
            films.box(b"mdat", media[:1000]),
            films.box(b"skip", b"x"),
            films.box(b"mdat", media[1000:]),
            parts[b"moov"],
            films.box(b"uuid", bytes(16)),
        ]
    )
    assert judge(whole).samples == 150


def test_a_length_of_zero_reaches_to_the_end_of_the_file(good):
    at = good.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", good, at)
    assert at + size == len(good)  # faststart: mdat comes last
    endless = good[:at] + bytes(4) + good[at + 4 :]
    assert judge(endless, 100).samples == 150
    with pytest.raises(NotTheFilm, match="pictures are missing"):
        judge(endless[:-1])


def test_a_long_box_length_is_read(good):
    parts = list(films.boxes(good))
    whole = b"".join(
        struct.pack(">I4sQ", 1, kind, len(body) + 8) + body[8:]
        if kind in {b"mdat", b"moov"}
        else body
        for kind, body in parts
    )
    assert judge(whole, 5).samples == 150


def test_a_moov_that_is_too_long_is_refused_by_its_head(good):
    head = dict(films.boxes(good))[b"ftyp"] + struct.pack(">I4s", 1 << 30, b"moov")
    with pytest.raises(NotTheFilm, match="longer than"):
        judge(head)
