"""The boxes of a film as they may lie: any order, any length of a length, never more than they hold."""

import struct

import pytest

from lib.core.media.mp4 import NotTheFilm, Probe
from tests import films


def judge(data, step=1 << 16):
    probe = Probe()
    for at in range(0, len(data), step):
        probe.feed(data[at : at + step])
    return probe.film()


@pytest.fixture(scope="module")
def good(make_film):
    return make_film()


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


def test_a_moov_of_nothing_but_tiny_boxes_is_damaged_and_takes_no_memory(good):
    crowd = films.box(b"moov", films.box(b"free") * 100_000)
    with pytest.raises(NotTheFilm, match="damaged"):
        judge(dict(films.boxes(good))[b"ftyp"] + crowd)


def test_a_moov_that_is_too_long_is_refused_by_its_head(good):
    head = dict(films.boxes(good))[b"ftyp"] + struct.pack(">I4s", 1 << 30, b"moov")
    with pytest.raises(NotTheFilm, match="longer than"):
        judge(head)
