"""Bodies in blocks: every byte once, within a deadline, and small ones as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.jobs.job import PlainRequest
from lib.core.upstream.blocks import BLOCK, SMALL, Blocks, TooSlow, in_blocks
from lib.core.upstream.create import Order

ASKED = PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5)


LARGE = Order(ASKED, "data:image/png;base64," + "A" * (10 << 20), None)


def test_what_takes_long_says_so():
    assert LARGE.takes_s == pytest.approx(42, abs=1)  # at 2 Mbit/s
    assert Order(ASKED, "https://link", "https://link").takes_s == 0.0


@given(st.binary(max_size=5000), st.lists(st.integers(-1, 999), max_size=20))
def test_a_reader_gives_every_byte_once(data, sizes):
    reader = Blocks(data, 10.0, lambda: 10.0)
    assert len(reader) == len(data)
    parts = [reader.read(size or 1) for size in sizes]
    assert b"".join([*parts, reader.read()]) == data
    assert reader.read() == b""
    assert reader.ended_at == (10.0 if data else None)


def test_a_reader_gives_nothing_after_its_deadline():
    now = [10.0]
    reader = Blocks(b"abcd", 10.0, lambda: now[0])
    assert reader.read(2) == b"ab"
    now[0] = 10.001
    with pytest.raises(TooSlow, match="2 of 4 bytes"):
        reader.read(2)
    assert reader.ended_at is None


def test_a_small_body_stays_bytes():
    assert in_blocks(b"a" * SMALL, 0.0, lambda: 1.0) == b"a" * SMALL
    assert isinstance(in_blocks(b"a" * (SMALL + 1), 0.0, lambda: 1.0), Blocks)
    assert SMALL % BLOCK == 0
