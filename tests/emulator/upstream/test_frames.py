"""Frames: forms, formats, sides, sizes; and when a bad one is refused."""

import base64
import struct
import zlib

import pytest


def inline(data, mime="image/png"):
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def ended(emulated, a_body, url, **more):
    """The output of a task whose first frame is at a url."""
    answer = emulated.post(a_body(first_frame_url=url, **more))
    assert answer.status_code == 200, answer.text
    emulated.clock.advance(100)
    return emulated.get(answer.json()["output"]["task_id"])["output"]


GOOD = {
    # encoder's options, source
    "png": ({"kind": "PNG"}, "reference"),
    "png grey": ({"kind": "PNG", "mode": "L"}, "reference"),
    "png palette": ({"kind": "PNG", "mode": "P"}, "reference"),
    "jpeg": ({"kind": "JPEG"}, "reference"),
    "jpeg cmyk": ({"kind": "JPEG", "mode": "CMYK"}, "reference"),
    "camera's jpeg": ({"kind": "MPO"}, "reference"),
    "bmp": ({"kind": "BMP"}, "reference"),
    "webp": ({"kind": "WEBP"}, "reference"),
    "webp with alpha": ({"kind": "WEBP", "mode": "RGBA"}, "silent"),
    "smallest": ({"width": 240, "height": 240}, "reference"),
    "longest": ({"width": 8000, "height": 240}, "reference"),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_frame_is_taken(emulated, a_body, a_picture, case):
    options, _source = GOOD[case]
    url = emulated.pictures.put(a_picture(**options))
    assert ended(emulated, a_body, url)["task_status"] == "SUCCEEDED"


def half(data):
    return data[: len(data) // 2]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def claiming(width, height):
    """A small PNG whose head claims another size."""
    head = struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"")


BAD = {
    # encoder's options or bytes, code, word of the message, source
    "gif": ({"kind": "GIF"}, "InvalidParameter", "format", "reference"),
    "tiff": ({"kind": "TIFF"}, "InvalidParameter", "format", "reference"),
    "png with alpha": ({"mode": "RGBA"}, "InvalidParameter", "alpha", "reference"),
    "png grey with alpha": ({"mode": "LA"}, "InvalidParameter", "alpha", "reference"),
    "png with a transparent colour": (
        {"mode": "P", "transparency": 0},
        "InvalidParameter",
        "alpha",
        "silent",
    ),
    "a smaller bomb": (claiming(9500, 9500), "InvalidParameter", "size", "reference"),
    "too narrow": ({"width": 239, "height": 400}, "InvalidParameter", "size", "reference"),
    "too low": ({"width": 400, "height": 239}, "InvalidParameter", "size", "reference"),
    "too wide": ({"width": 8001, "height": 240}, "InvalidParameter", "size", "reference"),
    "too high": ({"width": 240, "height": 8001}, "InvalidParameter", "size", "reference"),
    "a bomb": (
        claiming(20000, 20000),
        "InvalidParameter",
        "size",
        "reference",
    ),
    "text": (b"<html>no picture</html>", "InvalidParameter", "read image", "errors"),
    "empty": (b"", "InvalidParameter", "read image", "errors"),
    "above 10 MB": (bytes(10 * 1024 * 1024 + 1), "InvalidFile.Size", "10 MB", "reference"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_frame_fails_the_task(emulated, a_body, a_picture, case):
    given, code, word, _source = BAD[case]
    data = given if isinstance(given, bytes) else a_picture(**given)
    output = ended(emulated, a_body, emulated.pictures.put(data))
    assert (output["task_status"], output["code"]) == ("FAILED", code)
    assert word in output["message"]
    assert not any(task.paid for task in emulated.app.tasks)  # pricing: failures are free


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_torn_picture_fails_the_task(emulated, a_body, a_picture, kind):
    data = half(a_picture(width=900, height=700, kind=kind))
    output = ended(emulated, a_body, emulated.pictures.put(data))
    assert (output["task_status"], output["message"]) == ("FAILED", "read image error")


def test_a_picture_of_exactly_10_mb_is_taken(emulated, a_body, a_picture):  # reference
    data = a_picture(kind="BMP")
    url = emulated.pictures.put(data + bytes(10 * 1024 * 1024 - len(data)))
    assert ended(emulated, a_body, url)["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "url", ["http://pictures.test/nowhere", "http://no-such-host.invalid/a.png"]
)
def test_a_frame_that_cannot_be_had_fails_the_task(emulated, a_body, url):  # errors
    output = ended(emulated, a_body, url)
    assert output["code"] == "InvalidParameter"
    assert output["message"] == "Failed to download multimodal content"


@pytest.mark.parametrize("case", ["gif", "too narrow", "text", "above 10 MB"])
def test_a_bad_frame_may_be_refused_at_create_instead(make_emulated, a_body, a_picture, case):
    emulated = make_emulated(bad_frame="refuse")
    given, code, word, _source = BAD[case]
    data = given if isinstance(given, bytes) else a_picture(**given)
    answer = emulated.post(a_body(last_frame_url=emulated.pictures.put(data)))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert word in answer.json()["message"]
    assert len(emulated.app.tasks) == 0


@pytest.mark.parametrize("side", ["first_frame_url", "last_frame_url"])
def test_both_frames_are_looked_at(emulated, a_body, side):
    url = emulated.pictures.put(b"nothing")
    answer = emulated.post(a_body(**{side: url}))
    emulated.clock.advance(100)
    assert emulated.status(answer.json()["output"]["task_id"]) == "FAILED"


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/anything"])
def test_a_data_uri_is_a_frame(emulated, a_body, a_picture, mime):  # reference
    output = ended(emulated, a_body, inline(a_picture(), mime))
    assert output["task_status"] == "SUCCEEDED"
    assert "/first.png" not in emulated.pictures.asked


@pytest.mark.parametrize(
    "url",
    ["data:image/png,abc", "data:text/plain;base64,YWJj", "data:image/png;base64,%%%", "data:,"],
)
def test_a_broken_data_uri_fails_the_task(emulated, a_body, url):  # silent
    assert ended(emulated, a_body, url)["task_status"] == "FAILED"


def test_a_data_uri_is_limited_as_text(emulated, a_body, a_picture):  # errors: max bytes per item
    data = a_picture(kind="BMP")
    head = len("data:image/bmp;base64,")
    size = (10485760 - head) // 4 * 3
    fits = inline(data + bytes(size - len(data)), "image/bmp")
    assert len(fits) <= 10485760
    assert ended(emulated, a_body, fits)["task_status"] == "SUCCEEDED"
    emulated.clock.advance(1)
    answer = emulated.post(a_body(first_frame_url=fits + "AAAA"))
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter"
    assert "10485760" in answer.json()["message"]


def test_the_frames_reach_the_film_unchanged(emulated, a_picture):
    emulated.finished(parameters={"watermark": True, "resolution": "480P", "seed": 3})
    url = emulated.get(next(iter(emulated.app.tasks)).id)["output"]["video_url"]
    assert emulated.web.get(url).status_code == 200
    (film,) = emulated.films
    assert (film.first, film.last) == (a_picture(), a_picture(color=90))
    assert (film.watermark, film.resolution, film.seed) == (True, "480P", 3)
    assert (film.prompt, film.model) == ("rain", "wan2.2-kf2v-flash")
