"""Of a PNG only what is of its kind and length is kept, and every file that is kept opens."""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lib.core.errors import ApiError
from lib.core.media import frames

SECRET = b"51.5007N 0.1246W, body 4711"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def of_png(*pieces):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in pieces)


def pieces(data):
    """Kind and content of each chunk."""
    found, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def made(mode, **options):
    """A picture whose pixels lie in one chunk."""
    file = io.BytesIO()
    noise = bytes((n * n * 7 + n) % 251 for n in range(240 * 256))
    Image.frombytes("L", (240, 256), noise).convert(mode).save(file, "PNG", **options)
    return dict(pieces(file.getvalue()))


PIECES = {mode: made(mode) for mode in ("RGB", "L", "P")}
RIGHT = {b"pHYs": 9, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
SIGNIFICANT = {"RGB": 3, "L": 1, "P": 3}
ADDED = st.tuples(st.sampled_from([*RIGHT, b"sBIT", b"iCCP", b"hIST", b"teXt"]), st.integers(0, 40))


def right(kind, mode):
    return SIGNIFICANT[mode] if kind == b"sBIT" else RIGHT.get(kind)


def opened(data):
    """The pixels as Pillow has them, who must have nothing to say about the file."""
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes(), image.info.get("icc_profile")


@given(
    mode=st.sampled_from(sorted(PIECES)),
    early=st.lists(ADDED, max_size=5),
    late=st.lists(ADDED, max_size=3),
    behind=st.binary(max_size=30),
    more=st.lists(st.binary(max_size=30), max_size=3),
    ending=st.binary(max_size=30),
)
@settings(max_examples=150, deadline=None)
def test_a_png_keeps_only_what_is_of_its_kind_and_opens(mode, early, late, behind, more, ending):
    known = PIECES[mode]
    before, after = ([(kind, (SECRET * 2)[:size]) for kind, size in some] for some in (early, late))
    palette = [(b"PLTE", known[b"PLTE"])] if mode == "P" else []
    plain = of_png((b"IHDR", known[b"IHDR"]), *palette, (b"IDAT", known[b"IDAT"]), (b"IEND", b""))
    data = of_png(
        (b"IHDR", known[b"IHDR"]),
        *palette,
        *before,
        (b"IDAT", known[b"IDAT"] + behind),
        *((b"IDAT", content) for content in more),
        *after,
        (b"IEND", ending),
    )
    frame = frames.check(data, "first_frame").data
    assert opened(frame) == opened(plain)
    allowed = {}
    for kind, size in early:
        allowed.setdefault(kind, size)
    wanted = [(kind, size) for kind, size in allowed.items() if size == right(kind, mode)]
    bones = [(b"IHDR", 13), *((b"PLTE", len(content)) for _, content in palette)]
    ends = [(b"IDAT", len(known[b"IDAT"])), (b"IEND", 0)]
    assert [(kind, len(content)) for kind, content in pieces(frame)] == [*bones, *wanted, *ends]


def with_pieces(*early, mode="RGB", late=()):
    known = PIECES[mode]
    palette = [(b"PLTE", known[b"PLTE"])] if mode == "P" else []
    head, rest = (b"IHDR", known[b"IHDR"]), (b"IDAT", known[b"IDAT"])
    return of_png(head, *palette, *early, rest, *late, (b"IEND", b""))


def kept(data):
    return dict(pieces(frames.check(data, "first_frame").data))


WHOLE = zlib.compress(PROFILE)


@pytest.mark.parametrize("name", [b"a", b"icc", b"ICC Profile", b"4711, " + SECRET, b"x" * 79])
@pytest.mark.parametrize("behind", [b"", SECRET], ids=["alone", "more behind it"])
def test_a_profile_is_kept_without_its_name_and_what_follows_it(name, behind):
    data = with_pieces((b"iCCP", name + b"\0\0" + WHOLE + behind))
    frame = frames.check(data, "first_frame").data
    neutral, _, packed = kept(data)[b"iCCP"].partition(b"\0")
    assert b"ICC Profile".startswith(neutral)
    assert packed == b"\0" + WHOLE
    assert opened(frame) == (opened(with_pieces())[0], PROFILE)
    assert len(frame) <= len(data)
    assert frames.check(frame, "first_frame").data is frame


def test_a_profile_with_more_packed_behind_it_ends_where_it_says():
    data = with_pieces((b"iCCP", b"icc\0\0" + zlib.compress(PROFILE + SECRET * 3, 0)))
    frame = frames.check(data, "first_frame").data
    assert opened(frame)[1] == PROFILE


HUGE = struct.pack(">I", 1 << 20) + PROFILE[4:] + bytes((1 << 20) - len(PROFILE))


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        b"",
        b"\0\0" + WHOLE,
        b"x" * 80 + b"\0\0" + WHOLE,
        b"icc\0\1" + WHOLE,
        b"icc\0",
        b"icc\0\0",
        b"icc\0\0" + SECRET,
        b"icc\0\0" + WHOLE[:-1],
        b"icc\0\0" + zlib.compress(SECRET * 9),
        b"icc\0\0" + zlib.compress(PROFILE[:-1]),
        b"icc\0\0" + zlib.compress(HUGE),
    ],
    ids=[
        "text",
        "empty",
        "nameless",
        "long",
        "method",
        "cut",
        "unpacked",
        "junk",
        "torn",
        "none",
        "short",
        "huge",
    ],
)
def test_a_profile_that_is_none_is_not_kept_and_the_file_opens(content):
    data = with_pieces((b"iCCP", content))
    frame = frames.check(data, "first_frame").data
    assert opened(frame) == opened(with_pieces())
    assert b"iCCP" not in frame


@pytest.mark.parametrize(("mode", "right"), [("RGB", 6), ("L", 2)])
@pytest.mark.parametrize("size", range(9))
def test_a_transparent_colour_has_the_length_of_a_colour(mode, right, size):
    data = with_pieces((b"tRNS", b"\1\2\3\4\5\6\7\x08"[:size]), mode=mode)
    assert b"tRNS" not in kept(data)  # the right one is opaque here, and encoded anew
    if size != right:
        assert opened(frames.check(data, "first_frame").data) == opened(with_pieces(mode=mode))


def test_a_palette_has_whole_colours_that_a_pixel_can_name_and_no_other_kind_has_one():
    palette = made("P")[b"PLTE"]
    data = with_pieces((b"PLTE", palette), mode="RGB")
    assert b"PLTE" not in kept(data)
    known = PIECES["P"]
    for surplus in (b"", b"!", SECRET[:2], SECRET):
        longer = known[b"PLTE"].ljust(768, b"\0") + surplus
        data = of_png(
            (b"IHDR", known[b"IHDR"]),
            (b"PLTE", longer),
            (b"IDAT", known[b"IDAT"]),
            (b"IEND", b""),
        )
        assert len(kept(data)[b"PLTE"]) == 768


def refusal(*parts):
    with pytest.raises(ApiError) as caught:
        frames.check(of_png(*parts), "first_frame")
    return str(caught.value)


def test_a_second_head_or_palette_and_pixels_behind_the_end_are_refused():
    known = PIECES["P"]
    head, palette = (b"IHDR", known[b"IHDR"]), (b"PLTE", known[b"PLTE"])
    body, end = (b"IDAT", known[b"IDAT"]), (b"IEND", b"")
    assert "there twice" in refusal(head, head, palette, body, end)
    assert "there twice" in refusal(head, palette, palette, body, end)
    assert "palette is missing" in refusal(head, body, palette, end)
    half = (b"IDAT", body[1][:400])
    assert "fewer pixels" in refusal(head, palette, half, end, (b"IDAT", body[1][400:]))
