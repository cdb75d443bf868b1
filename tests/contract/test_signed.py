"""V4 signed URLs that are used as they were made."""

import base64
import hashlib

import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/access-control/signed-urls")

DATA = bytes(range(256)) * 4
QUANTUM = 256 * 1024


@pytest.fixture
def film(space):
    space.write("film.mp4", DATA, "video/mp4")
    return space


def test_a_signed_get(film):
    answer = film.endpoint.get(film.sign(film.blob("film.mp4")))
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["Content-Type"] == "video/mp4"


@pytest.mark.page(
    "https://cloud.google.com/dotnet/docs/reference/Google.Cloud.Storage.V1/latest/"
    "Google.Cloud.Storage.V1.UrlSigner.RequestTemplate"
)
def test_a_url_signed_for_get_answers_head(film):
    answer = film.endpoint.web.head(film.sign(film.blob("film.mp4")))
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == "1024"
    assert answer.content == b""


def test_a_signed_head(film):
    answer = film.endpoint.web.head(film.sign(film.blob("film.mp4"), "HEAD"))
    assert answer.status_code == 200


@pytest.mark.page(f"{DOCS}/xml-api/get-object-download#range")
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, 1023), ("bytes=7-9", 7, 9), ("bytes=-4", 1020, 1023)],
)
def test_ranges_through_one_signed_url(film, asked, first, last):
    answer = film.endpoint.get(film.sign(film.blob("film.mp4")), headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == DATA[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_range_behind_the_end_of_a_signed_get(film):
    answer = film.endpoint.get(film.sign(film.blob("film.mp4")), headers={"Range": "bytes=2000-"})
    assert answer.status_code == 416


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers")
def test_headers_of_a_signed_get(film):
    found = film.fresh("film.mp4")
    headers = film.endpoint.get(film.sign(film.blob("film.mp4"))).headers
    assert headers["x-goog-generation"] == str(found.generation)
    assert headers["x-goog-metageneration"] == "1"
    assert f"crc32c={found.crc32c}" in headers["x-goog-hash"]
    assert headers["ETag"].startswith('"')


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgoogmeta")
def test_custom_metadata_in_the_headers_of_a_signed_get(space):
    space.write(metadata={"stage": "done"})
    answer = space.endpoint.get(space.sign(space.blob()))
    assert answer.headers["x-goog-meta-stage"] == "done"


@pytest.mark.parametrize(
    "name",
    [
        "a b.txt",
        "a//b",
        "x/",
        "100%",
        "%41",
        "q?x=1&y",
        "h#1",
        "plus+",
        "\N{CLOUD WITH RAIN}",
        "x/acl",
        "a:b@c,d;e=f$",
        "(1)!*'",
        "~x-._",
    ],
)
@pytest.mark.page(f"{DOCS}/authentication/canonical-requests#about-resource-path")
def test_a_signed_get_of_an_odd_name(space, name):
    space.write(name, name.encode())
    answer = space.endpoint.get(space.sign(space.blob(name)))
    assert answer.status_code == 200
    assert answer.content == name.encode()


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#query")
def test_the_answers_disposition_can_be_asked_for(film):
    wanted = 'attachment; filename="film of the rain.mp4"'
    url = film.sign(film.blob("film.mp4"), response_disposition=wanted)
    assert film.endpoint.get(url).headers["Content-Disposition"] == wanted


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#query")
def test_the_answers_type_can_be_asked_for(film):
    url = film.sign(film.blob("film.mp4"), response_type="application/x-film")
    assert film.endpoint.get(url).headers["Content-Type"] == "application/x-film"


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#generation")
def test_a_generation_can_be_signed(film):
    blob = film.fresh("film.mp4")
    url = film.sign(film.blob("film.mp4"), generation=blob.generation)
    assert film.endpoint.get(url).content == DATA
    film.write("film.mp4", b"newer")
    assert film.endpoint.get(url).status_code == 404


@pytest.mark.page(f"{DOCS}/xml-api/reference-status#404%E2%80%94not_found")
def test_a_signed_get_of_nothing(space):
    answer = space.endpoint.get(space.sign(space.blob("nothing")))
    assert answer.status_code == 404
    assert "<Code>NoSuchKey</Code>" in answer.text
    assert "xml" in answer.headers["Content-Type"]


def test_a_url_may_live_seven_days(film):
    url = film.sign(film.blob("film.mp4"), expiration=7 * 24 * 3600)
    assert film.endpoint.get(url).status_code == 200


def test_the_same_url_works_again(film):
    url = film.sign(film.blob("film.mp4"))
    assert [film.endpoint.get(url).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.page(f"{DOCS}/hashes-etags#etags")
def test_a_browser_that_has_it_gets_304(film):
    url = film.sign(film.blob("film.mp4"))
    etag = film.endpoint.get(url).headers["ETag"]
    answer = film.endpoint.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_signed_put(space):
    answer = space.endpoint.put(space.sign(space.blob(), "PUT"), data=b"put")
    assert answer.status_code == 200
    assert answer.headers["x-goog-generation"] == str(space.fresh().generation)
    assert space.blob().download_as_bytes() == b"put"


def test_a_signed_put_keeps_the_signed_type(space):
    url = space.sign(space.blob(), "PUT", content_type="image/png")
    answer = space.endpoint.put(url, data=b"png", headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    assert space.fresh().content_type == "image/png"


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgoogmeta")
def test_a_signed_put_keeps_signed_metadata(space):
    headers = {"x-goog-meta-owner": "ada", "x-goog-meta-stage": "new"}
    url = space.sign(space.blob(), "PUT", headers=dict(headers))
    assert space.endpoint.put(url, data=b"x", headers=headers).status_code == 200
    assert space.fresh().metadata == {"owner": "ada", "stage": "new"}


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgoogifgenerationmatch")
def test_a_signed_put_can_be_create_once(space):
    headers = {"x-goog-if-generation-match": "0"}
    url = space.sign(space.blob(), "PUT", headers=dict(headers))
    assert space.endpoint.put(url, data=b"first", headers=headers).status_code == 200
    second = space.endpoint.put(url, data=b"second", headers=headers)
    assert second.status_code == 412
    assert "<Code>PreconditionFailed</Code>" in second.text
    assert space.blob().download_as_bytes() == b"first"


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgoogcontentlengthrange")
@pytest.mark.parametrize(("size", "status"), [(4, 400), (5, 200), (10, 200), (11, 400)])
def test_a_signed_put_can_limit_the_size(space, size, status):
    headers = {"x-goog-content-length-range": "5,10"}
    url = space.sign(space.blob(), "PUT", headers=dict(headers))
    assert space.endpoint.put(url, data=b"x" * size, headers=headers).status_code == status


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#contentmd5")
def test_a_signed_put_with_its_md5(space):
    md5 = base64.b64encode(hashlib.md5(b"x", usedforsecurity=False).digest()).decode()
    url = space.sign(space.blob(), "PUT", content_md5=md5)
    assert space.endpoint.put(url, data=b"x", headers={"Content-MD5": md5}).status_code == 200


def test_a_signed_delete(space):
    space.write()
    assert space.endpoint.web.delete(space.sign(space.blob(), "DELETE")).status_code == 204
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/access-control/signed-urls#signing-resumable")
def test_a_resumable_upload_starts_with_a_signed_post(space):
    url = space.sign(space.blob(), "RESUMABLE", content_type="video/mp4")
    headers = {"x-goog-resumable": "start", "Content-Type": "video/mp4"}
    started = space.endpoint.web.post(url, headers=headers)
    assert started.status_code == 201
    session, data = started.headers["Location"], b"a" * QUANTUM + b"b"
    first = {"Content-Range": f"bytes 0-{QUANTUM - 1}/{len(data)}"}
    answer = space.endpoint.put(session, data=data[:QUANTUM], headers=first)
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    last = {"Content-Range": f"bytes {QUANTUM}-{QUANTUM}/{len(data)}"}
    assert space.endpoint.put(session, data=data[QUANTUM:], headers=last).status_code == 200
    assert space.blob().download_as_bytes() == data
    assert space.fresh().content_type == "video/mp4"


@pytest.mark.page(f"{DOCS}/access-control/signed-urls#signing-resumable")
def test_a_signed_resumable_upload_can_be_cancelled(space):
    url = space.sign(space.blob(), "RESUMABLE")
    session = space.endpoint.web.post(url, headers={"x-goog-resumable": "start"}).headers[
        "Location"
    ]
    assert space.endpoint.web.delete(session).status_code == 499
    assert space.endpoint.put(session, data=b"late").status_code == 499
    assert space.fresh() is None
