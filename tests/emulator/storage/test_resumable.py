"""Resumable uploads on HTTP, the same for both APIs: 308 says what has arrived, and nothing when nothing has."""

import pytest

from lib.emulator.clock import Clock

JSON = "/upload/storage/v1/b/home/o?uploadType=resumable&name=a"


@pytest.fixture
def emulated(make_emulated):
    return make_emulated(clock=Clock())  # the client signs with the machine's time


@pytest.fixture
def uris(emulated):
    """A session of either API."""
    ours = emulated.call("POST", JSON).headers["Location"]
    link = emulated.bucket.blob("b").generate_signed_url(
        version="v4", expiration=900, method="RESUMABLE", credentials=emulated.signer,
        api_access_endpoint="http://storage.test",
    )  # fmt: skip
    theirs = emulated.web.post(link, headers={"x-goog-resumable": "start"}).headers["Location"]
    return ours, theirs


def test_before_any_byte_there_is_no_range_and_then_there_is(emulated, uris):
    for uri in uris:
        asked = emulated.web.put(uri, headers={"Content-Range": "bytes */*"})
        assert (asked.status_code, "Range" in asked.headers) == (308, False)
        sent = emulated.web.put(
            uri, data=bytes(262_144), headers={"Content-Range": "bytes 0-262143/*"}
        )
        assert (sent.status_code, sent.headers["Range"]) == (308, "bytes=0-262143")


def test_a_checksum_that_comes_with_the_last_chunk_is_compared(emulated, uris):
    for uri in uris:
        wrong = emulated.web.put(uri, data=b"x", headers={"x-goog-hash": "crc32c=AAAAAA=="})
        assert wrong.status_code == 400
    assert emulated.names() == []
