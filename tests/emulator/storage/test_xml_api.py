"""Signed links over the XML API: what was signed is done, and nothing beside it."""

import pytest

from lib.emulator.clock import Clock

URL = "http://storage.test"


@pytest.fixture
def emulated(make_emulated):
    return make_emulated(clock=Clock())  # the client signs with the machine's time


def link(emulated, method, name="object", **options):
    return emulated.bucket.blob(name).generate_signed_url(
        version="v4", expiration=900, method=method, credentials=emulated.signer,
        api_access_endpoint=URL, **options,
    )  # fmt: skip


def test_an_object_is_put_read_and_deleted_by_its_links(emulated):
    put = emulated.web.put(link(emulated, "PUT"), data=b"film")
    assert put.status_code == 200
    assert put.headers["X-Goog-Generation"] == str(emulated.bucket.get_blob("object").generation)
    read = emulated.web.get(link(emulated, "GET", response_disposition="attachment; filename=a"))
    assert (read.content, read.headers["Content-Disposition"]) == (
        b"film",
        "attachment; filename=a",
    )
    head = emulated.web.head(link(emulated, "HEAD"))
    assert (head.headers["Content-Length"], head.content) == ("4", b"")
    assert emulated.web.delete(link(emulated, "DELETE")).status_code == 204
    assert emulated.names() == []


@pytest.mark.parametrize(("size", "status"), [(4, 400), (5, 200), (9, 200), (10, 400)])
def test_a_size_that_was_signed_is_kept_to(emulated, size, status):
    headers = {"x-goog-content-length-range": "5,9"}
    answer = emulated.web.put(
        link(emulated, "PUT", headers=headers), data=bytes(size), headers=headers
    )
    assert answer.status_code == status
    assert emulated.names() == (["object"] if status == 200 else [])


def test_metadata_comes_from_headers_and_a_condition_keeps_what_is_there(emulated):
    headers = {"x-goog-if-generation-match": "0", "x-goog-meta-stage": "queued"}
    signed = link(emulated, "PUT", headers=headers)
    assert emulated.web.put(signed, data=b"a", headers=headers).status_code == 200
    assert emulated.bucket.get_blob("object").metadata == {"stage": "queued"}
    assert emulated.web.put(signed, data=b"b", headers=headers).status_code == 412
    assert emulated.bucket.blob("object").download_as_bytes() == b"a"


def test_without_a_signature_nothing_is_read(emulated):
    emulated.write()
    assert emulated.web.get(f"{URL}/home/object").status_code in {401, 403}
    assert emulated.web.get(link(emulated, "GET") + "&x-goog-acl=a").status_code in {400, 403}
