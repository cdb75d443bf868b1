"""Uploads over the JSON API: in one request, in two parts, or in chunks; with a name, and once."""

import pytest

UPLOAD = "/upload/storage/v1/b/home/o"


def test_media_takes_its_name_from_the_query_and_its_type_from_the_request(emulated):
    answer = emulated.call(
        "POST", f"{UPLOAD}?uploadType=media&name=a", data=b"x", headers={"Content-Type": "text/a"}
    )
    assert (answer.json()["name"], answer.json()["contentType"]) == ("a", "text/a")


def test_two_parts_are_metadata_and_media(emulated):
    parts = (
        b'--b\r\n\r\n{"name": "a", "metadata": {"k": "v"}}\r\n'
        b"--b\r\nContent-Type: text/a\r\n\r\nx\r\n--b--"
    )
    answer = emulated.call(
        "POST", f"{UPLOAD}?uploadType=multipart", data=parts,
        headers={"Content-Type": "multipart/related; boundary=b"},
    )  # fmt: skip
    assert answer.json()["metadata"] == {"k": "v"}
    assert emulated.bucket.blob("a").download_as_bytes() == b"x"


def test_chunks_become_an_object_with_the_last_one(emulated):
    start = emulated.call("POST", f"{UPLOAD}?uploadType=resumable", json={"name": "a"})
    uri = start.headers["Location"]
    half = bytes(256 << 10)
    first = emulated.web.put(uri, data=half, headers={"Content-Range": "bytes 0-262143/*"})
    assert (first.status_code, first.headers["Range"]) == (308, "bytes=0-262143")
    assert emulated.names() == []
    last = emulated.web.put(uri, data=b"x", headers={"Content-Range": "bytes 262144-262144/262145"})
    assert (last.status_code, last.json()["size"]) == (200, "262145")


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("uploadType=media", 400, "needs a name"),
        ("uploadType=other&name=a", 400, "uploadType"),
        ("name=a", 400, "uploadType"),
        ("uploadType=media&name=a&ifGenerationMatch=5", 412, "ifGenerationMatch"),
        ("uploadType=media&name=a&predefinedAcl=x", 501, "predefinedAcl"),
    ],
)
def test_what_makes_no_upload_writes_nothing(emulated, query, status, says):
    answer = emulated.call("POST", f"{UPLOAD}?{query}", data=b"x")
    assert answer.status_code == status
    assert says in answer.text
    assert emulated.names() == []


def test_a_cancelled_upload_is_499_and_takes_nothing_more(emulated):
    uri = emulated.call("POST", f"{UPLOAD}?uploadType=resumable&name=a").headers["Location"]
    assert emulated.web.delete(uri).status_code == 499
    assert emulated.web.put(uri, data=b"x").status_code in {404, 410, 499}
    assert emulated.names() == []
