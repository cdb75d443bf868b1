"""A frame as it is sent: link or bytes, within bounds, and never repeated in a refusal."""

import base64

import pytest

from lib.core import frame_source
from lib.core.errors import ApiError, FrameFault

TEN_MB = 10 * 1024 * 1024  # the reference's bound of a file


def uri(data, kind="png"):
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def refused(value):
    with pytest.raises(ApiError) as caught:
        frame_source.read(value, "last_frame")
    assert caught.value.param == "last_frame"
    return caught.value


def test_a_data_uri_equals_its_upload():
    assert frame_source.read(uri(b"\x89PNG"), "first_frame") == b"\x89PNG"
    assert frame_source.read(uri(b"a").replace("data", "DATA"), "first_frame") == b"a"


@pytest.mark.parametrize("link", ["https://a.example/x.png", "HTTP://a.example/", "gs://b/c"])
def test_a_link_stays_a_link(link):
    assert frame_source.read(link, "first_frame") == link


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("ftp://private.example/x", FrameFault.BAD_LINK),
        ("https:///private", FrameFault.BAD_LINK),
        ("private", FrameFault.BAD_LINK),
        ("https://private.example/" + "a" * 8192, FrameFault.BAD_LINK),
        ("data:text/plain;base64,private", FrameFault.BAD_DATA_URI),
        ("data:image/png,private", FrameFault.BAD_DATA_URI),
        ("data:image/png;base64,private private", FrameFault.UNREADABLE),
    ],
)
def test_anything_else_is_refused_by_its_fault_and_not_repeated(value, fault):
    error = refused(value)
    assert error.fault is fault
    assert "private" not in error.message


def test_ten_megabytes_are_the_most():
    assert len(frame_source.read(uri(bytes(TEN_MB)), "first_frame")) == TEN_MB
    assert refused(uri(bytes(TEN_MB + 6))).fault is FrameFault.TOO_LARGE
