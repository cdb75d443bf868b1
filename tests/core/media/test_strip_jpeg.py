"""Of a JPEG only pixels, tables and colours are kept, each part as long as what it holds."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lib.core.errors import ApiError
from lib.core.media import frames
from lib.core.media.parts import segments

SECRET = b"51.5007N 0.1246W, body 4711"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MARKED = b"ICC_PROFILE\0"


def made(**options):
    file = io.BytesIO()
    noise = bytes((n * n * 7 + n) % 251 for n in range(64 * 64))
    image = Image.frombytes("L", (64, 64), noise).resize((240, 256)).convert("RGB")
    image.save(file, "JPEG", **options)
    return file.getvalue()


PLAIN, PROGRESSIVE = made(), made(progressive=True)
WITH_RESTARTS = made(restart_marker_blocks=3)


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def before_scan(data, *pieces, scan=0):
    at = [start for marker, start, _ in segments(data) if marker == 0xDA][scan]
    return data[:at] + b"".join(pieces) + data[at:]


def longer(data, marker, more=SECRET):
    """The first segment of a kind, longer than its content."""
    start = data.index(bytes([0xFF, marker]))
    (length,) = struct.unpack_from(">H", data, start + 2)
    end = start + 2 + length
    head = data[: start + 2] + struct.pack(">H", length + len(more))
    return head + data[start + 4 : end] + more + data[end:]


def opened(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes(), image.info.get("icc_profile")


def kept(data):
    return frames.check(data, "first_frame").data


GONE = {
    "lines": PLAIN[:-2] + segment(0xDC, struct.pack(">H", 256) + SECRET) + PLAIN[-2:],
    "arithmetic": before_scan(PLAIN, segment(0xCC, b"\0\x10")),
    "tables behind the scan": PLAIN[:-2] + segment(0xDB, b"\3" + SECRET.ljust(64)) + PLAIN[-2:],
    "a scan behind the whole": PLAIN[:-2]
    + segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0")
    + SECRET
    + PLAIN[-2:],
    "a second JFIF": before_scan(PLAIN, segment(0xE0, b"JFIF\0" + SECRET[:9])),
    "a profile that is none": before_scan(PLAIN, segment(0xE2, MARKED + b"\1\1" + SECRET)),
    "a profile behind the scan": PLAIN[:-2]
    + segment(0xE2, MARKED + b"\1\1" + PROFILE + SECRET)
    + PLAIN[-2:],
    "a profile between scans": before_scan(
        PROGRESSIVE, segment(0xE2, MARKED + b"\1\1" + PROFILE + SECRET), scan=2
    ),
}


@pytest.mark.parametrize("name", GONE)
def test_what_is_not_of_the_picture_goes_and_the_rest_stays_byte_for_byte(name):
    assert kept(GONE[name]) == (PROGRESSIVE if "between" in name else PLAIN)


@pytest.mark.parametrize("marker", [0xC0, 0xC4, 0xDA, 0xDB, 0xDD], ids=hex)
@pytest.mark.parametrize("more", [b"\0", SECRET, bytes(17), bytes(65)], ids=len)
def test_a_part_that_is_longer_than_what_it_holds_is_refused(marker, more):
    data = longer(WITH_RESTARTS, marker, more)
    # So many zeros are a table of no codes, or one of zeros.
    if (marker, len(more)) in {(0xC4, 17), (0xDB, 65)}:
        return
    with pytest.raises(ApiError, match="not as long as what it holds"):
        kept(data)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_profile_is_kept_byte_for_byte_and_nothing_beside_it(drawn):
    base = drawn.draw(
        st.sampled_from([PLAIN, PROGRESSIVE]).map(lambda data: (data[:20], data[20:]))
    )
    places = drawn.draw(st.sets(st.integers(1, len(PROFILE) - 1), max_size=3).map(sorted))
    cuts, count = [0, *places, len(PROFILE)], len(places) + 1
    contents = [
        MARKED + bytes([n, count]) + PROFILE[cuts[n - 1] : cuts[n]] for n in range(1, count + 1)
    ]
    whole = base[0] + b"".join(segment(0xE2, content) for content in contents) + base[1]
    contents[-1] += drawn.draw(st.sampled_from([b"", SECRET]))
    for number, of in drawn.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)))):
        # Of two with one number the first counts.
        last = number == 1 or (of == count and number <= count)
        at = len(contents) if last else drawn.draw(st.integers(0, len(contents)))
        contents.insert(at, MARKED + bytes([number, of]) + SECRET)
    data = base[0] + b"".join(segment(0xE2, content) for content in contents) + base[1]
    assert kept(data) == whole
    assert opened(whole) == (opened(b"".join(base))[0], PROFILE)
    assert kept(whole) is whole
