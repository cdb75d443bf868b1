"""No input costs more than its length: every reader of something from outside, on what suits it worst."""

import contextlib
import gzip
import io
import json
import struct
import zlib

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib import redaction
from lib.adapters import identity
from lib.core import frame_source, webhooks
from lib.core.errors import ApiError
from lib.core.media import frames, mp4, parts, png
from lib.core.outside import bounded, documents, numbers, records
from lib.core.upstream import reader
from lib.flows.memory import MemoryBudget
from lib.web import body, connection
from lib.web.compat import body as compat_body
from lib.web.compat import dialect as compat
from lib.web.compat import upload_form
from lib.web.native import dialect, query
from tests.growth import STEEP, growth
from tests.world import picture

LIMIT = 64 << 20
LINE = b"--line"
REFUSED = (
    ApiError,
    ValueError,
    upload_form.FormError,
    mp4.NotTheFilm,
    png.Broken,
    identity.NotGenuine,
)


def request(data, kind, **more):
    environ = EnvironBuilder(method="POST", headers={"Content-Type": kind, **more}).get_environ()
    environ |= {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))}
    return Request(environ)


def json_body(data):
    return body.read(request(data, "application/json"), LIMIT)


def form_body(data):
    fields = body.read(request(data, "multipart/form-data; boundary=line"), LIMIT)
    return dialect.parse(fields, form=True)


def temporary_form(data):
    sent = request(data, "multipart/form-data; boundary=line")
    form = upload_form.UploadForm(sent, connection.UnprovenReads(1))
    with contextlib.suppress(upload_form.FormError):
        form.fields()
    form.file(MemoryBudget(LIMIT), len)


def dashscope_body(data):
    return compat.parse(compat_body.read(request(data, "application/json"), LIMIT))


def packed_body(data):
    sent = request(data, "application/json", **{"Content-Encoding": "gzip"})
    return compat_body.read(sent, LIMIT)


def part(name, value):
    head = b'Content-Disposition: form-data; name="%s"' % name
    return LINE + b"\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def form(*parts):
    return b"".join(parts) + LINE + b"--\r\n"


def names(count):
    """All different but the last, which stands twice: told only after every one was looked at."""
    listed = [f'"n{n}":1' for n in range(count)]
    return ("{" + ",".join([*listed, listed[-1]]) + "}").encode()


def object_of(count, value="1"):
    return ("{" + ",".join(f'"n{n}":{value}' for n in range(count)) + "}").encode()


JSON = {
    "equal names": names,
    "names": object_of,
    "objects": lambda n: b"[" + b",".join([b'{"a":1,"a":2}'] * n) + b"]",
    "numbers": lambda n: b"[" + b"1," * n + b"1]",
    "one whole number": lambda n: b"9" * n,
    "one fraction": lambda n: b"0." + b"9" * n,
    "one exponent": lambda n: b"1e" + b"9" * n,
    "brackets": lambda n: b"[" * n,
    "spaces": lambda n: b" " * n,
    "lines": lambda n: b"\n" * n + b"x",
    "an open text": lambda n: b'"' + b"a" * n,
    "escapes": lambda n: b'"' + b"\\u00e9" * n + b'"',
    "half characters": lambda n: b'"' + b"\\ud800" * n + b'"',
    "no UTF-8": lambda n: b"a" * n + b"\xff",
}
FORMS = {
    "a long text": lambda n: form(part(b"prompt", b"a" * n)),
    "line ends": lambda n: form(part(b"prompt", b"\r\n" * n)),
    "almost a boundary": lambda n: form(part(b"prompt", b"\r\n--lin" * n)),
    "a file": lambda n: form(part(b'first_frame"; filename="a', b"\r" * n)),
    "parts": lambda n: form(*(part(b"n%d" % i, b"1") for i in range(n // 50))),
    "parts of an object": lambda n: form(*(part(b"a[n%d]" % i, b"1") for i in range(n // 50))),
    "equal parts": lambda n: form(*[part(b"a[]", b"1")] * (n // 50)),
    "a long name": lambda n: form(part(b"a[" * n, b"1")),
    "a long head": lambda n: form(part(b'a"; b="' * n, b"1")),
    "quoted marks": lambda n: form(part(b'\\"' * n, b"1")),
    "brackets": lambda n: form(part(b"metadata", b"[" * n)),
    "pairs": lambda n: form(part(b"metadata", object_of(n))),
    "a seed": lambda n: form(part(b"seed", b"9" * n)),
    "no end": lambda n: LINE + b"\r\n" + b"a: b\r\n" * n,
}
DASHSCOPE = {
    "parameters": lambda n: b'{"model":"m","input":{"a":1},"parameters":' + object_of(n) + b"}",
    "input": lambda n: b'{"model":"m","input":' + object_of(n) + b"}",
    "a prompt": lambda n: b'{"model":"m","input":{"prompt":"' + b"a" * n + b'"}}',
}
URI = "data:image/png"
FRAMES = {
    "parameters": lambda n: URI + ";a=b" * n,
    "a parameter": lambda n: URI + ";a=" + "b" * n,
    "a kind": lambda n: "data:image/" + "a" * n,
    "data": lambda n: f"{URI};base64," + "A" * n,
    "odd data": lambda n: f"{URI};base64," + "A" * n + "!",
    "paddings": lambda n: f"{URI};base64," + "=" * n,
    "a link": lambda n: "https://" + "a" * n,
}
FIELDS = {
    "a list of choices": (lambda n: "wait=" + "a," * n, query.wait_s),
    "a wait": (lambda n: "wait=" + "9" * n, query.wait_s),
    "quotes": (lambda n: 'wait="' + '\\"' * n, query.wait_s),
    "open quotes": (lambda n: '"' * n, query.wait_s),
    "parameters of a type": (
        lambda n: "a/b" + ";a=b" * n,
        lambda t: request(b"", t).mimetype_params,
    ),
    "parts of a parameter": (
        lambda n: "a/b" + "".join(f"; a*{i}=b" for i in range(n // 8)),
        lambda t: request(b"", t).mimetype_params,
    ),
    "tags": (
        lambda n: '"a",' * n,
        lambda t: request(b"", "a/b", **{"If-None-Match": t}).if_none_match,
    ),
    "open tags": (
        lambda n: '"' * n,
        lambda t: request(b"", "a/b", **{"If-None-Match": t}).if_none_match,
    ),
    "dots of a token": (lambda n: "." * n, identity._parts),
    "digits": (lambda n: "9" * n, lambda t: numbers.digits(t, 9)),
    "zeros": (lambda n: "0" * n, lambda t: numbers.digits(t, 9)),
    "a whole number": (lambda n: " " * n + "9" * n, lambda t: numbers.whole(t, 0, 9)),
    "a number": (lambda n: "9" * n + "e" + "9" * n, lambda t: numbers.number(t, 0, 9)),
    "a retry": (lambda n: "9" * n, lambda t: numbers.retry_after_s(t, 0.0, 9.0)),
    "a date": (lambda n: "Thu, " * n, numbers.http_date),
}
TEXTS = {
    "question marks": "?",
    "links": "http://a",
    "links with marks": "http://?",
    "signatures": "X-Goog-",
    "signed": "?X-Goog",
    "equal signs": "Signature=",
    "bearers": "Bearer ",
    "spaces": " ",
    "keys": "-sk-",
    "our keys": "ib_0000000_",
    "tokens": "-eyJa",
    "halves of tokens": "-eyJa.a",
    "names": "jobs/a",
    "owners": "owner='",
    "owners with both quotes": "owner='owner=\"",
    "pictures": "data:image/a",
    "quotes": "'\"",
    "lines": "'\n",
}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(inside, side=320):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return parts.PNG + head + inside + chunk(b"IEND", b"")


def pixels(rows):
    """Pixels that unpack a thousandfold, with a tail that zlib would copy after every block."""
    return chunk(b"IDAT", zlib.compress(bytes(10_000 * rows), 1) + bytes(rows * 1000))


def jpeg_of(inside):
    whole = picture(kind="JPEG")
    return whole[:2] + inside + whole[2:]


def segment(kind, data):
    return kind + struct.pack(">H", len(data) + 2) + data


def webp_of(inside):
    whole = picture(kind="WEBP")
    return whole[:4] + struct.pack("<I", len(whole) - 8 + len(inside)) + whole[8:] + inside


PICTURES = {
    "PNG: empty parts": lambda n: png_of(chunk(b"abCd", b"") * n),
    "PNG: parts of pixels": lambda n: png_of(chunk(b"IDAT", b"") * n),
    "PNG: pixels": lambda n: png_of(pixels(n), side=8000),
    "PNG: a packed text": lambda n: png_of(
        chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * n) + b"a" * n)
    ),
    "PNG: packed texts": lambda n: png_of(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"")) * n),
    "JPEG: filling": lambda n: jpeg_of(b"\xff" * n),
    "JPEG: parts": lambda n: jpeg_of(segment(b"\xff\xe5", b"") * n),
    "JPEG: parts of EXIF": lambda n: jpeg_of(segment(b"\xff\xe1", b"Exif\0\0" + bytes(400)) * n),
    "JPEG: comments": lambda n: jpeg_of(segment(b"\xff\xfe", b"a" * 400) * n),
    "JPEG: profiles": lambda n: jpeg_of(
        segment(b"\xff\xe2", b"ICC_PROFILE\0\1\1" + bytes(400)) * n
    ),
    "JPEG: scans": lambda n: picture(kind="JPEG") + b"\xff\xda" * n,
    "JPEG: standalone marks": lambda n: jpeg_of(b"\xff\x01" * n),
    "WEBP: parts": lambda n: webp_of((b"abcd" + struct.pack("<I", 0)) * n),
    "BMP: what follows": lambda n: picture(kind="BMP") + bytes(n * 100),
    "no picture: spaces": lambda n: b" " * n * 100,
}


def check(data):
    frames.check(data, "first_frame")


def box(kind, data):
    return struct.pack(">I4s", len(data) + 8, kind) + data


def probe(data):
    found = mp4.Probe()
    for at in range(0, len(data), 1 << 16):
        found.feed(data[at : at + (1 << 16)])
    found.film()


FILMS = {
    "boxes": lambda n: box(b"ftyp", b"isom") + box(b"free", b"") * n,
    "fragments": lambda n: box(b"ftyp", b"isom") + box(b"moof", b"") * n,
    "runs": lambda n: (
        box(b"ftyp", b"isom")
        + box(b"moof", box(b"traf", box(b"tfhd", bytes(8)) + box(b"trun", bytes(8)) * min(n, 4000)))
        * max(n // 4000, 1)
    ),
    "a long movie": lambda n: box(b"ftyp", b"isom") + box(b"moov", bytes(n)),
    "tracks": lambda n: box(b"ftyp", b"isom") + box(b"moov", box(b"trak", b"") * n),
}
UPSTREAM = {
    "rows": lambda n: {"total": n, "total_page": 1, "data": [{"task_id": "t", "status": "x"}] * n},
    "odd rows": lambda n: {"total": n, "total_page": 1, "data": [[]] * n},
    "a message": lambda n: {"code": "a", "message": "?" * n, "output": {"task_status": "FAILED"}},
    "a code": lambda n: {"code": "a." * n, "output": {"task_status": "FAILED", "code": "-eyJ" * n}},
    "usage": lambda n: {"output": {"task_status": "x"}, "usage": {str(i): [i] for i in range(n)}},
    "a link": lambda n: {"output": {"task_status": "x", "video_url": "http://" * n}},
}


def answered(text):
    data = reader.parse(text.encode())
    reader.outcome(400, text.encode(), None)
    reader.report("t", data, 0.0)
    reader.page(data)


def line(make, read, length):
    def quiet(given):
        with contextlib.suppress(*REFUSED):
            read(given)

    assert growth(make, quiet, length) <= STEEP


@pytest.mark.parametrize("make", JSON.values(), ids=JSON)
def test_a_json_body(make):
    line(make, json_body, 10_000)


@pytest.mark.parametrize("make", JSON.values(), ids=JSON)
def test_json_from_elsewhere(make):
    line(make, documents.document, 10_000)
    line(make, records.record, 10_000)
    line(lambda n: make(n).decode("latin-1"), webhooks.read_log, 10_000)
    line(lambda n: gzip.compress(make(n)), packed_body, 10_000)


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("read", [form_body, temporary_form])
def test_a_form(make, read):
    line(make, read, 5_000)


@pytest.mark.parametrize("make", DASHSCOPE.values(), ids=DASHSCOPE)
def test_a_body_of_dashscopes_dialect(make):
    line(make, dashscope_body, 10_000)


@pytest.mark.parametrize("read", [lambda d: dialect.parse(d, form=False), compat.parse])
@pytest.mark.parametrize(
    "field", [None, "metadata", "images", "input", "parameters", "first_frame"]
)
def test_fields(read, field):
    def make(n):
        many = [1] * n if field == "images" else {f"n{i}": 1 for i in range(n)}
        return many if field is None else {"model": "m", "input": {"a": 1}, field: many}

    line(make, read, 2_000)


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_frame_in_a_text(make):
    line(make, lambda text: frame_source.read(text, "first_frame"), 20_000)


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_a_field_of_a_head(row):
    line(*row, 2_000)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("read", [redaction.in_log, redaction.for_owner, redaction.unquoted])
def test_a_text_that_is_struck_out(text, read):
    line(lambda n: text * (n // len(text)), read, 4_000)
    line(lambda n: "?X-Goog-a='" + text * (n // len(text)), read, 4_000)


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_a_picture(make):
    line(make, check, 1_000)


@pytest.mark.parametrize("make", FILMS.values(), ids=FILMS)
def test_a_film(make):
    line(make, probe, 2_000)


@pytest.mark.parametrize("make", UPSTREAM.values(), ids=UPSTREAM)
def test_an_answer_of_the_upstream(make):
    line(lambda n: json.dumps(make(n)), answered, 2_000)


def test_what_is_kept_of_a_tree():
    line(lambda n: {str(i): {"a": [i] * 9} for i in range(n)}, bounded.members, 2_000)


def test_the_list_of_a_caller():
    from werkzeug.datastructures import MultiDict

    line(lambda n: MultiDict([("status", "queued," * n + "queued")]), query.listing, 2_000)
    line(lambda n: MultiDict([("status", "queued")] * n), query.listing, 2_000)
    line(lambda n: MultiDict([("limit", "9" * n)]), query.listing, 2_000)


def test_a_square_is_found():
    """The measure itself: counting each name again, which is what JSON bodies once did."""

    def counted(data):
        listed = [name for name, _ in data]
        return [name for name in listed if listed.count(name) > 1]

    assert growth(lambda n: [(f"n{i}", 1) for i in range(n)], counted, 500) > STEEP
