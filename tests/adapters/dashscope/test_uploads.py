"""Uploads to the upstream's storage over slow lines, with real sockets: a block has its timeout, the whole its deadline."""

import contextlib
import time

import pytest

from tests.adapters.dashscope.test_creates_slow_lines import SlowHost, account

STALL_S = 4.0  # longer than the connect's timeout, under which a body of bytes was written


FRAME = b"\x89" * (10 << 20)


@pytest.fixture
def host():
    with contextlib.closing(SlowHost()) as one:
        yield one


def test_ten_megabytes_get_through_a_line_that_stalls(host):
    found = account(host).upload(FRAME, "a.png", "image/png", "wan2.1-kf2v-plus")
    assert found == "oss://x/a.png"
    assert len(FRAME) < host.bodies[0] < len(FRAME) + 4096


def test_an_upload_ends_with_its_time(host):
    began = time.monotonic()
    found = account(host).upload(FRAME, "a.png", "image/png", "wan2.1-kf2v-plus", 1.0)
    assert "TooSlow" in found.message
    assert time.monotonic() - began < STALL_S + 10
