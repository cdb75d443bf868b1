"""A colour profile is told by its head, and its pieces in a JPEG by their numbers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.media import icc

SIZES = st.integers(icc.HEAD_BYTES, 900)


def profile(size, said=None, signature=b"acsp"):
    head = struct.pack(">I", size if said is None else said) + bytes(32) + signature
    return head + bytes(n % 251 for n in range(size - len(head)))


def part(number, count, piece):
    content = icc.MARKED + bytes([number, count]) + piece
    return b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content


def laid(pieces):
    """Parts one after the other, and where each begins and ends."""
    data, places = b"", []
    for piece in pieces:
        places.append((len(data), len(data) + len(piece)))
        data += piece
    return data, places


def read(data, ends):
    return b"".join(data[start + icc.PIECE : end] for start, end in sorted(ends.items()))


@given(SIZES, st.binary(max_size=40))
def test_a_profile_ends_where_its_head_says(size, behind):
    data = profile(size) + behind
    assert icc.length(data, len(data)) == size


@pytest.mark.parametrize(
    ("data", "available"),
    [
        (profile(400, signature=b"acsq"), 400),
        (profile(400, said=401), 400),
        (profile(400, said=131), 400),
        (profile(400, said=0), 400),
        (profile(400)[:131], 400),
        (b"", 0),
    ],
    ids=["signature", "too long", "shorter than a head", "nothing", "cut", "empty"],
)
def test_what_is_none_has_no_length(data, available):
    assert icc.length(data, available) == 0


@given(SIZES, st.lists(st.integers(1, 300), max_size=6), st.binary(max_size=20))
def test_a_jpegs_profile_is_read_from_its_pieces_and_cut_at_its_end(size, cuts, behind):
    whole, pieces = profile(size), []
    rest = whole
    for cut in cuts:
        if cut < len(rest):
            pieces.append(rest[:cut])
            rest = rest[cut:]
    pieces.append(rest + behind)
    data, places = laid([part(n, len(pieces), piece) for n, piece in enumerate(pieces, 1)])
    assert read(data, icc.in_jpeg(data, places)) == whole


STRAY = part(9, 9, b"a stray one")


@pytest.mark.parametrize(
    "pieces",
    [
        [STRAY, part(1, 1, profile(300))],
        [part(1, 1, profile(300)), STRAY],
        [part(1, 1, profile(300)), part(1, 1, b"again")],
        [part(1, 1, profile(300)), part(2, 1, b"one more")],
        [part(1, 1, profile(300)), part(0, 1, b"of none")],
        [b"\xff\xe2\0\x0e" + icc.MARKED, part(1, 1, profile(300))],
    ],
    ids=["first", "last", "twice", "above", "zero", "without numbers"],
)
def test_stray_parts_are_not_of_the_profile(pieces):
    data, places = laid(pieces)
    assert read(data, icc.in_jpeg(data, places)) == profile(300)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [STRAY],
        [part(1, 2, profile(300))],
        [part(1, 0, profile(300))],
        [part(1, 1, b"none at all")],
        [part(1, 2, profile(300)), part(2, 2, b"all of it behind the profile")],
    ],
    ids=["none", "stray", "a piece is missing", "of zero", "no profile", "a piece too many"],
)
def test_what_is_no_profile_is_not_kept(pieces):
    data, places = laid(pieces)
    assert icc.in_jpeg(data, places) == {}
