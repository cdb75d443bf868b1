"""Numbers, depths and characters that no sensible caller sends: never a crash, on no path, in no field.

Whatever comes is answered by the row of the error table that it deserves, or ignored where the
standard says so; nothing of it reaches the upstream.
"""

import base64
import gzip
import json
import socket
import threading

import pytest

from tests.world import picture

URI = "data:image/png;base64," + base64.b64encode(picture()).decode()
BASE = {"first_frame": URI, "last_frame": URI, "prompt": "rain"}
CREATE = "/api/v1/services/aigc/image2video/video-synthesis"
JSON = {"Content-Type": "application/json"}
ASYNC = {**JSON, "X-DashScope-Async": "enable"}
LONG, DEEP = "9" * 5000, 100_000
# As JSON texts, since no library writes them.
VALUES = {
    "long": LONG,
    "long-negative": f"-{LONG}",
    "long-fraction": f"0.{LONG}",
    "long-exponent": f"1e{LONG}",
    "infinite": "1e400",
    "below-the-limit": "9" * 4300,
    "deep-list": "[" * DEEP + "]" * DEEP,
    "deep-object": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep-but-read": "[" * 900 + "]" * 900,
    "unclosed": "[" * DEEP,
    "half-a-character": '"\\ud800"',
    "nan": "NaN",
    "minus-infinity": "-Infinity",
    "superscript": "²",
}
TEXTS = [
    "²",
    "٣",
    "--5",
    "+5",
    " 5",
    "5 ",
    "1_0",
    "0x5",
    "1e3",
    LONG,
    f"-{LONG}",
    "5\u2009",
    "[" * DEEP,
]


def with_value(fields, name, text):
    """A JSON body in which one field has a value that `json` would not write."""
    fields = {key: value for key, value in fields.items() if key != name}
    return f'{json.dumps(fields)[:-1]}, "{name}": {text}}}'.encode()


def not_made(world, answer):
    answer.request.environ["wsgi.input"].close()  # the test client keeps a large one in a file
    assert 400 <= answer.status_code < 500, answer.text
    assert world.upstream.counts["create"] == 0
    assert world.names("pending/") == world.names("jobs/") == []


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize(
    "name",
    ["seed", "seconds", "prompt", "metadata", "model", "validate_only", "images", "size", "x"],
)
def test_a_value_in_a_json_body(world, name, value):
    answer = world.client.post("/v1/videos", data=with_value(BASE, name, value), headers=JSON)
    not_made(world, answer)
    assert answer.content_type == "application/problem+json"
    if value == LONG and name == "seed":
        assert answer.get_json()["error"]["param"] == "seed"


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_in_the_body_of_an_upload(world, value):
    body = with_value({"content_type": "image/png"}, "size_bytes", value)
    not_made(world, world.client.post("/v1/uploads", data=body, headers=JSON))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", ["seed", "duration", "resolution"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_value_in_a_body_of_dashscopes_dialect(world, name, value, packed):
    inner = with_value({"watermark": False}, name, value).decode()
    frames = {"first_frame_url": URI, "last_frame_url": URI, "prompt": "rain"}
    whole = {"model": "wan2.2-kf2v-flash", "input": frames}
    body = with_value(whole, "parameters", inner)
    headers = {**ASYNC, "Content-Encoding": "gzip"} if packed else ASYNC
    body = gzip.compress(body) if packed else body
    not_made(world, world.client.post(CREATE, data=body, headers=headers))


@pytest.mark.parametrize("value", TEXTS, ids=[ascii(text[:8]) for text in TEXTS])
@pytest.mark.parametrize(
    "name", ["seed", "metadata", "seconds", "validate_only", "size", "watermark"]
)
def test_a_text_in_a_form(world, name, value):
    not_made(world, world.post(**{name: value}))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_the_metadata_of_a_form(world, value):
    not_made(world, world.post(metadata=value))
    not_made(world, world.post(metadata=f'{{"a": {value}}}'))


@pytest.mark.parametrize("value", [t for t in TEXTS if t[0] != "["], ids=ascii)
def test_a_text_in_a_query_or_a_header(world, value):
    made = world.post().get_json()["id"]
    for name in ("limit", "after", "status", "order"):
        assert world.client.get("/v1/videos", query_string={name: value}).status_code == 400
    for name in ("page_no", "page_size", "start_time", "end_time"):
        answer = world.client.get("/api/v1/tasks/", query_string={name: value})
        assert answer.status_code < 500, (name, answer.text)
    for name, text in (
        ("Prefer", f"wait={value}"),
        ("Range", f"bytes={value}-"),
        ("If-None-Match", value),
        ("traceparent", f"00-{value}-{value}-01"),
        ("X-Cloud-Trace-Context", f"{'a' * 32}/{value};o=1"),
        ("Authorization", f"Bearer {value}.{value}.{value}"),
    ):
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            continue  # no header can carry it
        answer = world.client.get(f"/v1/videos/{made}", headers={name: text})
        assert answer.status_code < 500, (name, answer.text)


@pytest.mark.parametrize("value", ["²", LONG, "--5", "1_0"], ids=ascii)
def test_the_number_of_a_clients_try(world, value):
    answer = world.post(headers={"x-stainless-retry-count": value})
    assert answer.status_code == 202


@pytest.mark.parametrize("length", [b"\xb2", b"\xc2\xb2", b"--5", b"9" * 5000, b"1_0", b"5, 7"])
@pytest.mark.parametrize("header", [b"Content-Length", b"Retry-After", b"Age"])
def test_a_hosts_numbers(world, length, header):
    """A real host, since no library would send these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n"
                    peer.sendall(head + header + b": " + length + b"\r\n\r\n" + picture())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        link = f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
        answered = world.client.post("/v1/videos", json={**BASE, "first_frame": link})
        assert answered.status_code in {202, 400}, answered.text
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
