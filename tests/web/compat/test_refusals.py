"""A refusal in DashScope's words leaves a log line and keeps the limits' header fields."""

import json
import struct
import zlib

import pytest

from lib.core.errors import INVALID_FRAME, ApiError, FrameFault, invalid_frame
from lib.core.media.frames import check
from lib.web.auth import digest
from lib.web.compat.refusals import FRAMES, sentence
from tests.web.compat.test_dialect import ASYNC, CREATE, body

KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"]}
ALICE = {"Authorization": "Bearer key-a", **ASYNC}
ON = {"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)}


def logged(capsys):
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.mark.parametrize(
    ("headers", "changes", "status", "code"),
    [
        (ASYNC, {}, 401, "unauthenticated"),
        (ALICE, {"model": "wan9-kf2v-none"}, 404, "unsupported_model"),
        ({"Authorization": "Bearer key-a"}, {}, 403, "forbidden"),
        (ALICE, {"input": {"first_frame_url": "ftp://x/y.png"}}, 400, "invalid_frame"),
    ],
)
def test_a_refusal_leaves_a_line_that_its_request_id_finds(
    make_world, capsys, headers, changes, status, code
):
    world = make_world(env=ON)
    capsys.readouterr()
    answer = world.client.post(CREATE, json=body(**changes), headers=headers)
    (line,) = [line for line in logged(capsys) if line["event"] == "request.refused"]
    assert answer.status_code == status
    assert (line["status"], line["code"]) == (status, code)
    assert line["request_id"] == answer.json["request_id"] == answer.headers["x-request-id"]


def test_a_full_day_says_when_there_is_room_again(make_world):
    world = make_world(env={**ON, "OWNER_LIMITS": '{"alice": {"jobs_per_day": 1}}'})
    taken = world.client.post(CREATE, json=body(), headers=ALICE)
    refused = world.client.post(CREATE, json=body("other"), headers=ALICE)
    assert (taken.status_code, refused.status_code) == (200, 429)
    assert refused.json["code"] == "Throttling"
    assert "jobs_per_day" in taken.headers["RateLimit"]
    assert ";r=0;" in refused.headers["RateLimit"]
    assert int(refused.headers["Retry-After"]) > 3600


def spoilt_row():
    """A PNG whose second row begins with a filter that there is not: its words name pixels."""
    rows = b"\0" + bytes(240 * 3) + b"\x09" + bytes(240 * 3) + (b"\0" + bytes(240 * 3)) * 238

    def part(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", 240, 240, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(part(*one) for one in parts)


def test_a_sentence_that_holds_the_words_of_another_fault_changes_nothing():
    with pytest.raises(ApiError) as refused:
        check(spoilt_row(), "first_frame")
    assert "pixels" in refused.value.message
    assert sentence(refused.value)[1:] == ("InvalidParameter", "read image error")


@pytest.mark.parametrize("fault", FrameFault)
def test_every_fault_of_a_frame_has_words_whatever_our_own_sentence_says(fault):
    every = "is larger than pixels transparent empty file link of breaks off"
    error = invalid_frame("last_frame", fault, every)
    status, code, text = sentence(error)
    assert (status, (code, text)) == (400, FRAMES[fault])
    assert error.kind is INVALID_FRAME
