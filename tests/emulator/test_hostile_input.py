"""What strangers may write where an emulator reads a number or JSON: its protocol's own error, never a crash."""

import json
import socket

import pytest
import requests

from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.emulator.upstream import Timing, UpstreamApp

LONG = "9" * 4300
TEXTS = [
    LONG,
    "9" * 20,
    "²",
    "٣",
    "--5",
    "-1",
    "+1",
    " 1",
    "1_0",
    "1e3",
    "0x1",
    "nan",
    "",
    "\x00",
    "%ff",
    "\xff",
]
DEEP = "[" * 100_000
BODIES = [
    DEEP,
    '{"a":' * 50_000,
    LONG,
    "NaN",
    '{"advance_s": NaN}',
    '{"advance_s": 1e999}',
    f'{{"advance_s": {LONG}}}',
    '{"advance_s": "1"}',
    '{"advance_s": true}',
    '{"name": "\\ud800"}',
    '{"metadata": {"a": "\\ud800"}, "name": "a"}',
    '{"metadata": [], "name": "a"}',
    '{"customTime": 5, "name": "a"}',
    '{"customTime": "9999-12-31T23:59:59-23:59", "name": "a"}',
    '{"customTime": "0001-01-01T00:00:00+23:59", "name": "a"}',
    '{"cors": 5, "name": "made"}',
    '{"cors": [5], "name": "made"}',
    '{"cors": [{"origin": 5}], "name": "made"}',
    '{"labels": 5, "name": "made"}',
    '{"lifecycle": 5, "name": "made"}',
    '{"lifecycle": {"rule": 5}, "name": "made"}',
    '{"lifecycle": {"rule": [5]}, "name": "made"}',
    '{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": "²"}}]}, "name": "made"}',
    '{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"createdBefore": "9"}}]}, "name": "made"}',
    '{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"matchesPrefix": [5]}}]}, "name": "made"}',
    '{"lifecycle": {"rule": [{"action": {"type": "SetStorageClass"}, "condition": {"age": 0}}]}, "name": "made"}',
    '{"kind": "drop", "times": -1}',
    f'{{"status": {LONG}}}',
    '{"status": 5}',
    '{"delay_s": NaN}',
    '{"overflow": 5}',
    '{"list_lag_s": -1}',
    '{"model": "wan2.2-kf2v-flash", "input": {"first_frame_url": "data:image/png;base64,\\ud800"}}',
    '{"model": {"a": 1}}',
    f'{{"model": "wan2.2-kf2v-flash", "input": {{"first_frame_url": "https://a.example/"}}, "parameters": {{"seed": {"9" * 400}}}}}',
    "\xef\xbb\xbf{}",
    "\xff\xfe{\x00}\x00",
]  # fmt: skip
KEY = {"Authorization": "Bearer sk-local-singapore", "X-DashScope-Async": "enable"}
SIGNED = (
    "/home/object?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a/20260101/auto/storage/goog4_request"
    "&X-Goog-Date=20260101T000000Z&X-Goog-SignedHeaders=host&X-Goog-Signature=00&X-Goog-Expires={}"
)
NUMBERS = [
    ("storage", "GET", "/storage/v1/b/home/o?maxResults={}", {}),
    ("storage", "GET", "/storage/v1/b/home/o?pageToken={}", {}),
    ("storage", "GET", "/storage/v1/b/home/o/object?generation={}", {}),
    ("storage", "GET", "/storage/v1/b/home/o/object?ifGenerationMatch={}", {}),
    ("storage", "GET", "/home/object", {"x-goog-if-generation-match": "{}"}),
    ("storage", "PUT", "/home/object", {"x-goog-content-length-range": "{},{}"}),
    ("storage", "GET", "/storage/v1/b/home/o/object?alt=media", {"Range": "bytes={}-"}),
    ("storage", "GET", "/storage/v1/b/home/o/object?alt=media", {"Range": "bytes=-{}"}),
    ("storage", "GET", "/storage/v1/b/home/o/object?alt=media", {"If-Modified-Since": "{}"}),
    (
        "storage",
        "POST",
        "/upload/storage/v1/b/home/o?uploadType=resumable&name=a",
        {"X-Upload-Content-Length": "{}"},
    ),
    ("storage", "PUT", "/upload/storage/v1/b/home/o?upload_id=a", {"Content-Range": "bytes {}-1/2"}),
    (
        "storage",
        "GET",
        SIGNED,
        {},
    ),
    ("upstream", "GET", "/singapore/api/v1/tasks?page_no={}", KEY),
    ("upstream", "GET", "/singapore/api/v1/tasks?page_size={}", KEY),
    ("upstream", "GET", "/singapore/api/v1/tasks?start_time={}", KEY),
    (
        "upstream",
        "GET",
        "/results/00000000-0000-0000-0000-000000000000.mp4?Expires={}&Signature=a",
        {},
    ),
]  # fmt: skip
DOCUMENTS = [
    ("storage", "POST", "/emulator/clock"),
    ("storage", "POST", "/emulator/faults"),
    ("storage", "POST", "/storage/v1/b?project=a"),
    ("storage", "PATCH", "/storage/v1/b/home"),
    ("storage", "PUT", "/storage/v1/b/home"),
    ("storage", "PATCH", "/storage/v1/b/home/o/object"),
    ("storage", "POST", "/upload/storage/v1/b/home/o?uploadType=resumable"),
    ("upstream", "POST", "/emulator/clock"),
    ("upstream", "POST", "/emulator/faults"),
    ("upstream", "POST", "/emulator/settings"),
    ("upstream", "POST", "/singapore/api/v1/services/aigc/image2video/video-synthesis"),
    ("upstream", "POST", "/singapore/api/v1/tasks/a/cancel"),
]


@pytest.fixture(scope="module")
def servers():
    clock = Clock()
    storage = StorageApp(clock)
    storage.create_bucket("home")
    with Server(storage) as first:
        upstream = UpstreamApp(
            clock,
            base_url="http://127.0.0.1:9",
            render=lambda _film: b"",
            fetch=requests.Session(),
            timing=Timing.virtual(lambda: (1.0, 1.0)),
        )
        with Server(upstream) as second:
            yield {"storage": first.port, "upstream": second.port}


def raw(port, method, target, headers, body=b""):
    """The status of a request whose target and headers go out as they are."""
    fields = {"Host": "localhost", "Content-Length": len(body), **headers}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head + body)
        connection.shutdown(
            socket.SHUT_WR
        )  # no other request follows: the answer ends with the connection
        with connection.makefile("rb") as answer:
            return int(answer.read().split(maxsplit=2)[1])


def carried(text):
    """A number's text as a header or a target can carry it: UTF-8 bytes, no controls."""
    return text.encode().decode("latin-1").replace("\x00", "%00").replace(" ", "%20")


@pytest.mark.parametrize(
    "case", NUMBERS, ids=lambda case: f"{case[1]}-{case[2][:60]}-{'-'.join(case[3])}"
)
def test_no_number_crashes_an_emulator(servers, capfd, case):
    kind, method, target, headers = case
    statuses = {}
    for text in TEXTS:
        sent = {name: value.replace("{}", carried(text)) for name, value in headers.items()}
        statuses[text] = raw(servers[kind], method, target.replace("{}", carried(text)), sent)
    assert not [text for text, status in statuses.items() if status == 500], statuses
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda case: f"{case[1]}-{case[0]}-{case[2][:60]}")
def test_no_document_crashes_an_emulator(servers, capfd, case):
    kind, method, target = case
    more = {"Content-Type": "application/json", **(KEY if "/api/v1" in target else {})}
    statuses = {}
    for body in BODIES:
        statuses[body] = raw(servers[kind], method, target, more, body.encode("latin-1", "replace"))
    assert not [body[:80] for body, status in statuses.items() if status == 500], statuses.values()
    assert "Traceback" not in capfd.readouterr().err
    # A declared fault may be a good one; the next test wants none.
    requests.delete(f"http://127.0.0.1:{servers[kind]}/emulator/faults", timeout=60)
    moved = requests.get(f"http://127.0.0.1:{servers[kind]}/emulator/clock", timeout=60)
    assert json.loads(moved.text)["now"] < 1e11


@pytest.mark.parametrize(
    "length", [LONG, "²", "٣", "--5", "-1", "+1", "1_0", "1e3", "0x1", "nan", "1, 2"], ids=ascii
)
def test_a_length_that_is_none_is_refused(servers, capfd, length):
    for port in servers.values():
        assert raw(port, "POST", "/emulator/reset", {"Content-Length": carried(length)}) == 400
    assert "Traceback" not in capfd.readouterr().err
