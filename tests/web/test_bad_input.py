"""The bad-input table: each row is answered by its status, code, field and a sentence that helps.

None may reach the upstream, none may be a 500, and none may leave a job behind.
"""

import base64
import io

import pytest

from tests.world import picture

GOOD = picture()
URI = "data:image/png;base64," + base64.b64encode(GOOD).decode()
BASE = {"first_frame": URI, "last_frame": URI, "prompt": "rain"}


def gif():
    return picture(kind="GIF")


def animated(kind):
    from PIL import Image  # one row needs it

    file = io.BytesIO()
    frames = [Image.new("RGB", (320, 320), (n * 80, 0, 0)) for n in range(3)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def transparent():
    return picture(mode="RGBA", color=(1, 2, 3, 120))


def bomb():
    """A PNG that claims 60000 x 60000 pixels in a hundred bytes."""
    data = bytearray(picture(320, 320))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    import zlib  # one row needs it

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


# A name to the changes of a good JSON body, status, code, field, words of the sentence.
FIELDS = {
    "model-unknown": ({"model": "wan9"}, 400, "unsupported_model", "model", "wan2.2-kf2v-flash"),
    "model-foreign": (
        {"model": "wanx2.1-kf2v-plus"},
        400,
        "unsupported_model",
        "model",
        "wan2.1-kf2v-plus",
    ),
    "model-empty": ({"model": ""}, 400, "invalid_request", "model", "/v1/models"),
    "model-number": ({"model": 7}, 400, "invalid_request", "model", "allowed"),
    "prompt-long": ({"prompt": "雨" * 801}, 400, "invalid_request", "prompt", "800"),
    "prompt-number": ({"prompt": 3}, 400, "invalid_request", "prompt", "text"),
    "prompt-list": ({"prompt": ["a"]}, 400, "invalid_request", "prompt", "text"),
    "negative-long": (
        {"negative_prompt": "x" * 501},
        400,
        "invalid_request",
        "negative_prompt",
        "500",
    ),
    "negative-object": ({"negative_prompt": {}}, 400, "invalid_request", "negative_prompt", "500"),
    "resolution-4k": ({"resolution": "4K"}, 400, "invalid_request", "resolution", "720P"),
    "resolution-number": ({"resolution": 720}, 400, "invalid_request", "resolution", "720P"),
    "resolution-of-plus": (
        {"model": "wan2.1-kf2v-plus", "resolution": "480P"},
        400,
        "invalid_request",
        "resolution",
        "720P only",
    ),
    "seconds-10": ({"seconds": 10}, 400, "invalid_request", "seconds", "5"),
    "seconds-text": ({"seconds": "long"}, 400, "invalid_request", "seconds", "5"),
    "duration-alias": ({"duration": 6}, 400, "invalid_request", "seconds", "5"),
    "seconds-twice": ({"seconds": 5, "duration": 5}, 400, "invalid_request", "duration", "twice"),
    "seed-negative": ({"seed": -1}, 400, "invalid_request", "seed", "2147483647"),
    "seed-large": ({"seed": 2**31}, 400, "invalid_request", "seed", "2147483647"),
    "seed-fraction": ({"seed": 1.5}, 400, "invalid_request", "seed", "whole number"),
    "seed-bool": ({"seed": True}, 400, "invalid_request", "seed", "whole number"),
    "seed-text": ({"seed": "7"}, 400, "invalid_request", "seed", "whole number"),
    "extend-text": (
        {"prompt_extend": "yes"},
        400,
        "invalid_request",
        "prompt_extend",
        "true or false",
    ),
    "extend-number": (
        {"prompt_extend": 1},
        400,
        "invalid_request",
        "prompt_extend",
        "true or false",
    ),
    "watermark-text": ({"watermark": "on"}, 400, "invalid_request", "watermark", "true or false"),
    "template-odd": ({"template": "a b/c"}, 400, "invalid_request", "template", "letters"),
    "metadata-list": ({"metadata": []}, 400, "invalid_request", "metadata", "pairs"),
    "metadata-value": ({"metadata": {"a": 1}}, 400, "invalid_request", "metadata", "texts"),
    "metadata-many": (
        {"metadata": {str(n): "x" for n in range(17)}},
        400,
        "invalid_request",
        "metadata",
        "16",
    ),
    "metadata-long": ({"metadata": {"a": "x" * 513}}, 400, "invalid_request", "metadata", "512"),
    "unknown-field": ({"promt": "x"}, 400, "invalid_request", "promt", "prompt"),
    "unknown-fields": ({"foo": 1, "bar": 2}, 400, "invalid_request", "foo", "foo, bar"),
    "first-missing": ({"first_frame": None}, 400, "invalid_request", "first_frame", "https://"),
    "last-missing": ({"last_frame": None}, 400, "invalid_request", "last_frame", "template"),
    "first-number": ({"first_frame": 5}, 400, "invalid_request", "first_frame", "https://"),
    "first-path": (
        {"first_frame": "file:///etc/passwd"},
        400,
        "invalid_frame",
        "first_frame",
        "https://",
    ),
    "first-ftp": (
        {"first_frame": "ftp://h/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "https://",
    ),
    "first-http": (
        {"first_frame": "http://example.com/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "https",
    ),
    "first-private": (
        {"first_frame": "https://10.0.0.1/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-metadata": (
        {"first_frame": "https://169.254.169.254/a"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-decimal": (
        {"first_frame": "https://2130706433/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-ipv6": (
        {"first_frame": "https://[::1]/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-mapped": (
        {"first_frame": "https://[::ffff:127.0.0.1]/a"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-internal": (
        {"first_frame": "https://metadata.google.internal/"},
        400,
        "invalid_frame",
        "first_frame",
        "public",
    ),
    "first-port": (
        {"first_frame": "https://example.com:22/a"},
        400,
        "invalid_frame",
        "first_frame",
        "port",
    ),
    "first-user": (
        {"first_frame": "https://u:p@example.com/a"},
        400,
        "invalid_frame",
        "first_frame",
        "password",
    ),
    "first-gone": (
        {"first_frame": "http://127.0.0.1:9001/none/a.png"},
        400,
        "invalid_frame",
        "first_frame",
        "answered 40",
    ),
    "first-long-link": (
        {"first_frame": "https://h.com/" + "a" * 9000},
        400,
        "invalid_frame",
        "first_frame",
        "8192",
    ),
    "twice-by-alias": (
        {"first_frame_url": URI},
        400,
        "invalid_request",
        "first_frame_url",
        "twice",
    ),
    "images-three": ({"images": [URI, URI, URI]}, 400, "invalid_request", "images", "list of two"),
    "data-no-base64": (
        {"first_frame": "data:image/png,abc"},
        400,
        "invalid_frame",
        "first_frame",
        "base64",
    ),
    "data-broken": (
        {"first_frame": "data:image/png;base64,@@@"},
        400,
        "invalid_frame",
        "first_frame",
        "base64",
    ),
    "data-text": (
        {"first_frame": "data:text/html;base64,YQ=="},
        400,
        "invalid_frame",
        "first_frame",
        "data:image",
    ),
}

# A name to the file and words of the sentence; all are refused on last_frame.
FRAMES = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"not a picture at all", "JPEG, PNG, BMP or WEBP"),
    "html": (lambda: b"<html><body>login</body></html>", "JPEG, PNG, BMP or WEBP"),
    "gif": (gif, "GIF"),
    "tiff": (lambda: picture(kind="TIFF"), "TIFF"),
    "animated-png": (lambda: animated("PNG"), "animated"),
    "animated-webp": (lambda: animated("WEBP"), "animated"),
    "transparent": (transparent, "transparent"),
    "cmyk": (lambda: picture(mode="CMYK", color=(1, 2, 3, 4), kind="JPEG"), "CMYK"),
    "deep": (lambda: picture(mode="I;16", color=9), "16"),
    "narrow": (lambda: picture(239, 400), "240"),
    "low": (lambda: picture(400, 239), "240"),
    "wide": (lambda: picture(8001, 300), "8000"),
    "bomb": (bomb, "8000"),
    "truncated-png": (lambda: GOOD[: len(GOOD) // 2], "breaks off"),
    "truncated-jpeg": (lambda: picture(kind="JPEG", quality=95)[:900], "breaks off"),
    "heavy": (lambda: GOOD + b"\0" * (10 * 1024 * 1024), "10 MB"),
}

# A name to its method, path, body, headers, status, code and words of the sentence.
ROUTES = {
    "no-such-path": ("GET", "/v2/videos", None, {}, 404, "not_found", "/v1/videos"),
    "root": ("GET", "/", None, {}, 404, "not_found", "/v1/videos"),
    "delete-collection": ("DELETE", "/v1/videos", None, {}, 405, "method_not_allowed", "POST"),
    "put-video": ("PUT", "/v1/videos/vid_x", b"", {}, 405, "method_not_allowed", "GET"),
    "invented": ("BREW", "/v1/videos", None, {}, 405, "method_not_allowed", "BREW"),
    "post-health": ("POST", "/health", b"", {}, 405, "method_not_allowed", "GET"),
    "unknown-id": ("GET", "/v1/videos/vid_" + "0" * 27, None, {}, 404, "not_found", "vid_"),
    "odd-id": ("GET", "/v1/videos/..%2f..%2fx", None, {}, 404, "not_found", ""),
    "content-unknown": ("GET", "/v1/videos/vid_1/content", None, {}, 404, "not_found", "vid_"),
    "content-variant": (
        "GET",
        "/v1/videos/vid_1/content?variant=gif",
        None,
        {},
        400,
        "invalid_request",
        "first_frame",
    ),
    "json-broken": (
        "POST",
        "/v1/videos",
        b'{"a": ',
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "line 1",
    ),
    "json-empty": (
        "POST",
        "/v1/videos",
        b"",
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "JSON",
    ),
    "json-list": (
        "POST",
        "/v1/videos",
        b"[]",
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "object",
    ),
    "json-nan": (
        "POST",
        "/v1/videos",
        b'{"seed": NaN}',
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "NaN",
    ),
    "json-twice": (
        "POST",
        "/v1/videos",
        b'{"seed": 1, "seed": 2}',
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "twice",
    ),
    "json-latin": (
        "POST",
        "/v1/videos",
        b'{"prompt": "\xe9"}',
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "UTF-8",
    ),
    "json-deep": (
        "POST",
        "/v1/videos",
        b"[" * 100_000,
        {"Content-Type": "application/json"},
        400,
        "invalid_json",
        "",
    ),
    "type-missing": (
        "POST",
        "/v1/videos",
        b"{}",
        {},
        415,
        "unsupported_media_type",
        "application/json",
    ),
    "type-text": (
        "POST",
        "/v1/videos",
        b"{}",
        {"Content-Type": "text/plain"},
        415,
        "unsupported_media_type",
        "multipart",
    ),
    "form-urlencoded": (
        "POST",
        "/v1/videos",
        b"a=b",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "unsupported_media_type",
        "multipart",
    ),
    "form-no-boundary": (
        "POST",
        "/v1/videos",
        b"x",
        {"Content-Type": "multipart/form-data"},
        400,
        "invalid_request",
        "boundary",
    ),
    "key-empty": (
        "POST",
        "/v1/videos",
        b"{}",
        {"Content-Type": "application/json", "Idempotency-Key": ""},
        400,
        "invalid_request",
        "255",
    ),
    "key-long": (
        "POST",
        "/v1/videos",
        b"{}",
        {"Content-Type": "application/json", "Idempotency-Key": "k" * 256},
        400,
        "invalid_request",
        "255",
    ),
}


def refused(world, answer, status, code, words):
    body = answer.get_json()
    assert answer.status_code == status, body
    assert answer.content_type == "application/problem+json"
    assert body["error"]["code"] == code, body
    assert words.lower() in body["detail"].lower(), body["detail"]
    assert body["status"] == status
    assert body["error"]["request_id"] == answer.headers["x-request-id"]
    assert world.paid() == []
    assert world.upstream.counts["create"] == 0
    assert world.names("pending/") == world.names("jobs/") == []
    return body["error"]


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_a_bad_field(world, row):
    changes, status, code, param, words = row
    fields = {key: value for key, value in {**BASE, **changes}.items() if value is not None}
    error = refused(world, world.client.post("/v1/videos", json=fields), status, code, words)
    assert error["param"] == param
    assert error["retryable"] is False


@pytest.mark.parametrize("seed", ["--5", "²", "5-", "-", "1" * 20, "-1", "1.5"])
def test_a_seed_of_a_form_that_is_no_number(world, seed):
    answer = world.post(seed=seed)
    assert refused(world, answer, 400, "invalid_request", "2147483647")["param"] == "seed"


@pytest.mark.parametrize("row", FRAMES.values(), ids=FRAMES)
def test_a_bad_frame(world, row):
    make, words = row
    data = {
        "first_frame": (io.BytesIO(GOOD), "a.png"),
        "last_frame": (io.BytesIO(make()), "b.png"),
    }
    answer = world.client.post("/v1/videos", data=data)
    answer.request.environ["wsgi.input"].close()  # the test client keeps a large one in a file
    error = refused(world, answer, 400, "invalid_frame", words)
    assert error["param"] == "last_frame"


@pytest.mark.parametrize("row", ROUTES.values(), ids=ROUTES)
def test_a_bad_route_or_body(world, row):
    method, path, body, headers, status, code, words = row
    answer = world.client.open(path, method=method, data=body, headers=headers)
    refused(world, answer, status, code, words)
    if status == 405:
        assert "OPTIONS" in answer.headers["Allow"]


def test_the_table_is_long_enough():
    assert len(FIELDS) + len(FRAMES) + len(ROUTES) >= 40
