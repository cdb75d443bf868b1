"""Bodies and headers of uploads: parsed to the byte, or refused with the reason (RFC 2387, RFC 9110)."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.emulator.storage.errors import StorageError
from lib.emulator.storage.multipart import (
    ContentRange,
    check_hashes,
    content_range,
    hash_header,
    parse_multipart,
)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("bytes 0-9/100", ContentRange(0, 9, 100)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes */100", ContentRange(None, -1, 100)),
        ("bytes */*", ContentRange(None, -1, None)),
    ],
)
def test_every_form_of_a_range_is_read(text, span):
    assert content_range(text) == span


@pytest.mark.parametrize(
    "text", ["", "bytes", "bytes 9-5/100", "bytes 0-9/9", "0-9/100", "bytes -9/*"]
)
def test_an_impossible_range_is_refused(text):
    with pytest.raises(StorageError) as refused:
        content_range(text)
    assert refused.value.status == 400


@given(st.binary(max_size=200).filter(lambda data: b"\r\n--mark" not in b"\r\n" + data))
def test_media_come_through_to_the_byte(media):
    body = b'--mark\r\nContent-Type: application/json\r\n\r\n{"name": "a"}\r\n'
    body += b"--mark\r\nContent-Type: video/mp4\r\n\r\n" + media + b"\r\n--mark--"
    found = parse_multipart('multipart/related; boundary="mark"', body)
    assert found == ({"name": "a"}, "video/mp4", media)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("multipart/related", b"", "boundary"),
        ("multipart/related; boundary=b", b"--b\r\n\r\n{}\r\n--b--", "has 1"),
        ("multipart/related; boundary=b", b"--b\r\n\r\n{}\r\n--b\r\n\r\nx", "has 1"),
        ("multipart/related; boundary=b", b"--b\r\n\r\n{\r\n--b\r\n\r\nx\r\n--b--", "valid JSON"),
        ("multipart/related; boundary=b", b"--b\r\n\r\n[]\r\n--b\r\n\r\nx\r\n--b--", "JSON object"),
    ],
)
def test_what_is_not_two_parts_is_refused(kind, body, says):
    with pytest.raises(StorageError, match=says):
        parse_multipart(kind, body)


def test_declared_checksums_are_compared():
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    declared = hash_header(f"crc32c=AAAAAA==, md5={md5}, sha1=x")
    assert declared == {"crc32c": "AAAAAA==", "md5Hash": md5}
    check_hashes(b"x", {"md5Hash": md5})
    check_hashes(b"x", {})
    with pytest.raises(StorageError, match="crc32c"):
        check_hashes(b"x", declared)
