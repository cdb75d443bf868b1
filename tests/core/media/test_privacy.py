"""Nothing private leaves with a frame: whatever is planted in its file is gone, and no pixel moves."""

import contextlib
import io
import struct
import warnings
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageOps

from lib.core.errors import ApiError
from lib.core.media import frames, privacy
from tests.growth import STEEP, growth
from tests.world import picture

SECRET = b"51.5007N 0.1246W, body 4711"
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
FILM = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + b"\xff\xd8\xff\xda" * 60 + SECRET
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = ("JPEG", "PNG", "WEBP", "BMP")
PLACES = st.integers(0, 40)


def exif(orientation, order="<", kind=3):
    """A directory with an orientation, a secret serial number and a secret thumbnail behind it."""
    value = struct.pack(order + {3: "HH", 4: "I"}[kind], *((orientation, 0)[: 5 - kind]))
    entries = [
        struct.pack(order + "HHII", 0x010F, 2, len(SECRET), 8 + 2 + 24 + 4),
        struct.pack(order + "HHI", 0x0112, kind, 1) + value,
    ]
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, 2)
    return start + b"".join(entries) + bytes(4) + SECRET * 3


def pixels(seed, size, mode):
    noise = Image.frombytes("L", (16, 16), bytes((seed * n * 7 + n) % 256 for n in range(256)))
    return noise.resize(size, Image.Resampling.BICUBIC).rotate(seed % 90).convert(mode)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


SEGMENTS = {
    "XMP": segment(0xE1, XMP),
    "extended XMP": segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + SECRET),
    "IPTC": segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0" + SECRET),
    "comment": segment(0xFE, SECRET),
    "JFIF with a thumbnail": segment(
        0xE0, b"JFIF\0\1\1\0\0\1\0\1\x03\x03" + SECRET.ljust(27, b"!")
    ),
    "JFXX": segment(0xE0, b"JFXX\0\x10" + SECRET),
    "more pictures": segment(0xE2, b"MPF\0" + SECRET),
    "FlashPix": segment(0xE2, b"FPXR\0" + SECRET),
    "long Adobe": segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET),
    "odd Adobe": segment(0xEE, b"Ado" + SECRET),
    **{f"APP{n}": segment(0xE0 + n, SECRET) for n in (0, 1, 2, 3, 4, 11, 12, 15)},
}


def seams(data):
    """Places of a JPEG between two segments, also those between two scans."""
    at, found = 2, []
    while data[at + 1] != 0xDA:
        found.append(at)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    while (at := data.find(b"\xff\xda", at)) > 0:
        found.append(at)
        at += 2
    return found


def planted_jpeg(draw, image, turned):
    colour = draw(st.sampled_from(["RGB", "L"]))
    data = encoded(
        image.convert(colour),
        "JPEG",
        quality=draw(st.sampled_from([30, 90])),
        progressive=draw(st.booleans()),
        restart_marker_blocks=draw(st.sampled_from([0, 3])),
        icc_profile=draw(st.sampled_from([None, PROFILE])),
    )
    names = sorted(set(SEGMENTS) - ({"long Adobe"} if colour == "L" else set()))
    pieces = [(SEGMENTS[name], draw(PLACES)) for name in draw(st.lists(st.sampled_from(names)))]
    if turned is not None:
        pieces.append((segment(0xE1, b"Exif\0\0" + turned), 0))
    for piece, place in pieces:
        places = seams(data)
        # A profile says of YCbCr what the one of its application does; the first counts.
        at = places[min(place, len(places) - 1)]
        data = data[:at] + piece + data[at:]
    return data + draw(st.sampled_from([b"", FILM, SECRET, data]))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


CHUNKS = {
    "text": chunk(b"tEXt", b"GPS\0" + SECRET),
    "packed text": chunk(b"zTXt", b"GPS\0\0" + zlib.compress(SECRET, 0)),
    "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET),
    "time": chunk(b"tIME", SECRET[:7]),
    "private": chunk(b"prVt", SECRET),
    "a picture beside it": chunk(b"sPLT", b"a\0\x08" + SECRET),
}


def planted_png(draw, image, turned):
    data = encoded(image, "PNG", icc_profile=draw(st.sampled_from([None, PROFILE])))
    pieces = [CHUNKS[name] for name in draw(st.lists(st.sampled_from(sorted(CHUNKS))))]
    if turned is not None:
        pieces.append(chunk(b"eXIf", turned))
    for piece in pieces:
        at = draw(st.sampled_from([33, data.index(b"IDAT") - 4, data.rindex(b"IEND") - 4]))
        data = data[:at] + piece + data[at:]
    return data + draw(st.sampled_from([b"", FILM, data]))


def riff(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def planted_webp(draw, image, turned):
    profile = draw(st.sampled_from([None, PROFILE]))
    options = {"icc_profile": profile} if profile else {}
    data = encoded(image, "WEBP", lossless=draw(st.booleans()), method=0, **options)
    if data[12:16] != b"VP8X":
        sides = b"".join((side - 1).to_bytes(3, "little") for side in image.size)
        data = data[:12] + riff(b"VP8X", bytes(4) + sides) + data[12:]
    flags = data[20] | 0x04 | (0x08 if turned is not None else 0)
    data = data[:20] + bytes([flags]) + b"GPS" + data[24:]
    data += riff(b"XMP ", XMP) + riff(b"priv", SECRET)
    if turned is not None:
        data += riff(b"EXIF", draw(st.sampled_from([b"", b"Exif\0\0"])) + turned)
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    return data + draw(st.sampled_from([b"", FILM, SECRET]))


def planted_bmp(draw, image, _turned):
    mode = draw(st.sampled_from(["RGB", "L", "P", "1"]))
    data = encoded(image.convert(mode), "BMP")
    size, start = 40, struct.unpack_from("<I", data, 10)[0]
    colours, body = data[54:start], data[start:]
    head = data[14:54]
    if draw(st.booleans()):
        size = 124
        head = struct.pack("<I", size) + head[4:].ljust(120, b"\0")
        where = draw(st.sampled_from([b"KNIL", b"BGRs"]))
        head = head[:56] + where + head[60:112] + struct.pack("<II", 9, 9) + head[120:]
    gap = draw(st.sampled_from([b"", SECRET]))
    start = 14 + size + len(colours) + len(gap)
    begin = b"BM" + struct.pack("<IHHI", 0, 4711, 4711, start)
    return begin + head + colours + gap + body + draw(st.sampled_from([b"", FILM, SECRET]))


PLANTED = {
    "JPEG": planted_jpeg,
    "PNG": planted_png,
    "WEBP": planted_webp,
    "BMP": planted_bmp,
}


@st.composite
def files(draw, kind):
    """A picture full of secrets, and its orientation."""
    size = draw(st.sampled_from([(240, 256), (251, 243)]))
    image = pixels(draw(st.integers(1, 200)), size, "RGB")
    orientation = draw(st.sampled_from([None, 1, 1, 0, 9, *range(2, 9)]))
    turned = None
    if orientation is not None and kind != "BMP":
        order, form = draw(st.sampled_from("<>")), draw(st.sampled_from([3, 4]))
        turned = exif(orientation, order, form)
    turns = orientation in range(2, 9) and kind != "BMP"
    return PLANTED[kind](draw, image, turned), orientation if turns else 1


def shown(data, orientation=1):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        if orientation > 1:
            image.getexif()[0x0112] = orientation
            return ImageOps.exif_transpose(image).convert("RGB"), image.info.get("icc_profile")
        return image.convert("RGB"), image.info.get("icc_profile")


@pytest.mark.parametrize("kind", KINDS)
@given(drawn=st.data())
@settings(max_examples=60, deadline=None)
def test_the_pixels_stay_and_the_secrets_go(kind, drawn):
    data, orientation = drawn.draw(files(kind))
    frame = frames.check(data, "first_frame")
    secrets = (SECRET, SECRET[:7], b"Exif\0\0", b"8BIM\x04\x04", b"ftypisom", b"xmpmeta")
    assert [secret for secret in secrets if secret in frame.data] == []
    before, profile = shown(data, orientation)
    after, kept = shown(frame.data)
    assert profile == kept
    assert (frame.width, frame.height) == after.size == before.size
    if orientation == 1 or kind == "PNG":
        assert before.tobytes() == after.tobytes()
    else:  # JPEG again, of a high quality
        worst = ImageChops.difference(before, after).getextrema()
        assert max(high for _, high in worst) < 40
    assert len(frame.data) <= len(data) or orientation > 1
    assert frames.check(frame.data, "first_frame").data == frame.data


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_secrets_is_kept_as_it_came_and_not_copied(kind):
    data = picture(kind=kind)
    assert frames.check(data, "first_frame").data is data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 0, 9, 65535])
def test_what_need_not_be_turned_is_not_encoded_again(kind, orientation):
    plain = picture(kind=kind)
    tags = Image.Exif()
    tags[0x0112] = orientation
    whole = encoded(Image.open(io.BytesIO(plain)), kind, exif=tags.tobytes(), lossless=True)
    bare = encoded(Image.open(io.BytesIO(plain)), kind, lossless=True)
    frame = frames.check(whole, "first_frame")
    pixels_of = {
        "JPEG": lambda data: data[data.index(b"\xff\xda") :],
        "PNG": lambda data: data[data.index(b"IDAT") :],
        "WEBP": lambda data: data[data.index(b"VP8L") :],
    }[kind]
    assert pixels_of(frame.data) == pixels_of(bare)


def bmp_with(profile, colours=b"DEBM"):
    """A BMP of the newest head, a profile behind its pixels."""
    data = picture(kind="BMP")
    head, body = struct.pack("<I", 124) + data[18:54].ljust(120, b"\0"), data[54:]
    place = struct.pack("<II", 124 + len(body) + 2, len(profile)) + bytes(4)
    begin = b"BM" + struct.pack("<IHHI", 0, 0, 0, 138)
    return begin + head[:56] + colours + head[60:112] + place + body + b"!!" + profile


@pytest.mark.parametrize("behind", [b"", SECRET], ids=["alone", "more behind it"])
def test_an_embedded_profile_of_a_bmp_is_kept_and_nothing_behind_it(behind):
    embedded = frames.check(bmp_with(PROFILE + behind), "first_frame").data
    at, size = struct.unpack_from("<II", embedded, 14 + 112)
    assert embedded[14 + at : 14 + at + size] == PROFILE
    assert embedded.endswith(picture(kind="BMP")[54:] + PROFILE)


@pytest.mark.parametrize("colours", [b"KNIL", b"DEBM"], ids=["linked", "no profile"])
def test_a_linked_profile_of_a_bmp_is_not_kept_nor_what_is_none(colours):
    stripped = frames.check(bmp_with(SECRET, colours), "first_frame").data
    assert SECRET not in stripped
    assert stripped[14 + 56 : 14 + 60] == b"BGRs"


def long_palette():
    """A BMP of 4 bits a pixel with a palette of 40 colours."""
    entries = b"".join(bytes((n, n * 3, 255 - n, 0)) for n in range(16))
    head = struct.pack("<IiiHHIIiiII", 40, 240, 256, 1, 4, 0, 0, 0, 0, 40, 0)
    body = bytes(n * 7 % 256 for n in range(120 * 256))
    start = 14 + 40 + 160
    begin = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    return begin + head + entries + (SECRET * 4)[:96] + body


def test_entries_of_a_bmps_palette_that_no_pixel_can_name_are_not_kept():
    data = long_palette()
    stripped = frames.check(data, "first_frame").data
    assert SECRET not in stripped
    assert shown(stripped)[0].tobytes() == shown(data)[0].tobytes()


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    order=st.sampled_from("<>"),
    cuts=st.tuples(st.integers(0, 120), st.integers(0, 120)),
    junk=st.binary(max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_no_exif_however_broken_is_a_crash_or_a_word_in_the_log(kind, order, cuts, junk):
    data, (start, end) = exif(6, order), sorted(cuts)
    broken = data[:start] + junk + data[end:]
    plain = picture(320, 260, kind=kind)
    if kind == "JPEG":
        whole = plain[:2] + segment(0xE1, b"Exif\0\0" + broken) + plain[2:]
    elif kind == "PNG":
        whole = plain[:33] + chunk(b"eXIf", broken) + plain[33:]
    else:
        more = riff(b"VP8X", bytes([8, 0, 0, 0, 0x3F, 1, 0, 3, 1, 0])) + plain[12:]
        more += riff(b"EXIF", broken)
        whole = b"RIFF" + struct.pack("<I", len(more) + 4) + b"WEBP" + more
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        frame = frames.check(whole, "first_frame")
    assert heard == []
    assert {frame.width, frame.height} == {320, 260}
    assert b"II*" not in frame.data


@given(st.sampled_from(KINDS), st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_no_picture_is_refused_and_never_a_crash(kind, drawn):
    data = bytearray(picture(320, 260, kind=kind))
    for _ in range(drawn.draw(st.integers(1, 8))):
        at = drawn.draw(st.integers(0, min(200, len(data)) - 1))
        data[at] = drawn.draw(st.integers(0, 255))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with contextlib.suppress(ApiError):
            frames.check(bytes(data), "first_frame")
    assert heard == []


@pytest.mark.parametrize("side", [300, 9500, 14_000, 65_500])
def test_a_second_head_with_other_sides_is_no_bomb_and_no_word_in_the_log(side):
    data = picture(320, 260, kind="JPEG")
    at = data.index(b"\xff\xc0")
    head = bytearray(data[at : at + 2 + struct.unpack_from(">H", data, at + 2)[0]])
    head[5:9] = struct.pack(">HH", side, side)
    twice = data.replace(b"\xff\xda", bytes(head) + b"\xff\xda", 1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(ApiError, match="does not decode"):
            frames.check(twice, "first_frame")
    assert heard == []


PACKED = chunk(b"iCCP", b"a\0\0" + zlib.compress(PROFILE[:200]))
WASTE = chunk(b"IDAT", SECRET)
PIECE = b"ICC_PROFILE\0\1\1" + SECRET
TABLE = segment(0xDB, b"\0" + b"\1" * 64)
GROWING = {
    "JPEG: what applications add": lambda n: (
        (whole := picture(kind="JPEG"))[:2] + SEGMENTS["APP4"] * n + whole[2:]
    ),
    "JPEG: between scans": lambda n: picture(kind="JPEG")[:-2] + SEGMENTS["comment"] * n,
    "JPEG: behind the end": lambda n: picture(kind="JPEG") + b"\xff\xd8\xff\xda" * n * 100,
    "JPEG: restarts": lambda n: picture(kind="JPEG")[:-2] + b"\xff\xd0" * n * 100,
    "JPEG: filling": lambda n: picture(kind="JPEG")[:-2] + b"\xff" * n * 100 + b"\0",
    "PNG: texts": lambda n: (whole := picture())[:33] + CHUNKS["text"] * n + whole[33:],
    "PNG: colours": lambda n: (whole := picture())[:33] + chunk(b"cHRM", SECRET) * n + whole[33:],
    "PNG: profiles": lambda n: (whole := picture())[:33] + PACKED * n + whole[33:],
    "PNG: behind the pixels": lambda n: (whole := picture())[:-12] + WASTE * n + whole[-12:],
    "JPEG: profiles": lambda n: (
        (whole := picture(kind="JPEG"))[:2] + segment(0xE2, PIECE) * n + whole[2:]
    ),
    "JPEG: tables": lambda n: (whole := picture(kind="JPEG"))[:2] + TABLE * n + whole[2:],
    "WEBP: chunks": lambda n: (
        b"RIFF" + struct.pack("<I", 4 + 10 * n) + b"WEBP" + (b"priv" + struct.pack("<IH", 1, 0)) * n
    ),
    "BMP: behind the pixels": lambda n: picture(kind="BMP") + bytes(n * 1000),
}


@pytest.mark.parametrize("name", GROWING)
def test_its_cost_grows_as_the_file_does(name):
    def read(data):
        privacy.bare(data, name.partition(":")[0])

    assert growth(GROWING[name], read, 2_000) <= STEEP


@given(st.binary(max_size=80), st.sampled_from([b"II*\0", b"MM\0*", b"", b"Exif\0\0MM\0*"]))
@settings(max_examples=300, deadline=None)
def test_an_orientation_is_one_of_eight(junk, start):
    assert privacy.orientation(start + junk) in range(1, 9)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_read_in_both_byte_orders(order, kind, orientation):
    for start in (b"", b"Exif\0\0"):
        assert privacy.orientation(start + exif(orientation, order, kind)) == orientation
