"""Where the parts of a picture's file begin and end, and that all of them together are the file."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.media.parts import PNG, chunks, riff_chunks, segments
from tests.world import picture

CONTENTS = st.lists(st.tuples(st.sampled_from([b"tEXt", b"IDAT", b"eXIf"]), st.binary(max_size=20)))


@given(CONTENTS)
def test_the_chunks_of_a_png_are_found_whatever_they_hold(parts):
    data = PNG + b"".join(
        struct.pack(">I4s", len(body), kind) + body + bytes(4) for kind, body in parts
    )
    found = [(kind, data[at : at + length]) for kind, at, length in chunks(data)]
    assert found == parts


@given(st.lists(st.tuples(st.sampled_from([b"EXIF", b"VP8 "]), st.binary(max_size=20))))
def test_the_chunks_of_a_webp_are_found_and_padded(parts):
    inside = b"".join(
        struct.pack("<4sI", kind, len(body)) + body + bytes(len(body) % 2) for kind, body in parts
    )
    data = b"RIFF" + struct.pack("<I", 4 + len(inside)) + b"WEBP" + inside + b"behind"
    found = [(kind, data[at : at + size]) for kind, at, size in riff_chunks(data)]
    assert found == parts


def test_a_chunk_that_is_longer_than_its_webp_breaks_off():
    data = b"RIFF" + struct.pack("<I", 12) + b"WEBP" + struct.pack("<4sI", b"EXIF", 9)
    with pytest.raises(ValueError, match="breaks off"):
        list(riff_chunks(data))


def test_the_segments_of_a_jpeg_are_the_file_and_nothing_behind_it():
    data = picture(kind="JPEG")
    found = list(segments(data + b"behind\xff\xe1\0\x04ab"))
    assert found[0][1] == 2
    assert all(end == start for (_, _, end), (_, start, _) in pairwise(found))
    assert found[-1] == (0xD9, len(data) - 2, len(data))
    assert [marker for marker, _, _ in found].count(0xDA) == 1


def test_a_jpeg_that_is_cut_ends_where_it_is_cut():
    data = picture(kind="JPEG")[:-40]
    assert list(segments(data))[-1][2] == len(data)
