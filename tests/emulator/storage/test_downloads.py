"""The content of an object as an answer: whole, in part, packed or not; what it may not be is 416."""

import gzip

import pytest

PATH = "/storage/v1/b/home/o/object?alt=media"


def read(emulated, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return emulated.call("GET", PATH, headers={"Accept-Encoding": "identity", **names})


@pytest.mark.parametrize(
    ("asked", "part", "stated"),
    [
        ("bytes=0-1", b"co", "bytes 0-1/7"),
        ("bytes=5-", b"nt", "bytes 5-6/7"),
        ("bytes=-3", b"ent", "bytes 4-6/7"),
        ("bytes=2-99", b"ntent", "bytes 2-6/7"),
    ],
)
def test_a_part_is_206_and_says_which(emulated, asked, part, stated):
    emulated.write()
    answer = read(emulated, Range=asked)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["Content-Range"] == stated


@pytest.mark.parametrize("asked", ["bytes=3-1", "pages=1-2", "bytes=a-b"])
def test_a_range_that_means_nothing_is_the_whole(emulated, asked):
    emulated.write()
    assert read(emulated, Range=asked).content == b"content"


def test_a_part_behind_the_end_is_416_with_the_length(emulated):
    emulated.write()
    answer = read(emulated, Range="bytes=7-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */7"


def test_another_validator_than_the_objects_own_gets_the_whole(emulated):
    emulated.write()
    assert read(emulated, Range="bytes=0-1", If_Range='"other"').status_code == 200


def test_a_packed_object_is_unpacked_for_whoever_takes_no_gzip(emulated):
    emulated.write(data=gzip.compress(b"plain"), content_encoding="gzip")
    answer = read(emulated)
    assert answer.content == b"plain"
    assert "Content-Encoding" not in answer.headers
    assert read(emulated, Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"
