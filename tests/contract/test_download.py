"""Reading content: ranges, checksum headers, gzip, validators."""

import gzip

import pytest

DOCS = "https://cloud.google.com/storage/docs"
RANGES = f"{DOCS}/xml-api/get-object-download#range"
pytestmark = pytest.mark.page(f"{DOCS}/json_api/v1/objects/get")

DATA = bytes(range(256)) * 4


@pytest.fixture
def film(space):
    space.write("film", DATA, "video/mp4")
    return space


def media(space, name="film", params=None, **headers):
    return space.endpoint.json(
        "GET",
        "/download" + space.path(name),
        params={"alt": "media"} | (params or {}),
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def test_the_whole(film):
    answer = media(film)
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == "1024"


@pytest.mark.page(RANGES)
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=1000-", 1000, 1023),
        ("bytes=0-", 0, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=1000-9999", 1000, 1023),
    ],
)
def test_a_range(film, asked, first, last):
    answer = media(film, Range=asked)
    assert answer.status_code == 206
    assert answer.content == DATA[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"


@pytest.mark.page(RANGES)
@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000"])
def test_a_range_behind_the_end_is_416(film, asked):
    answer = media(film, Range=asked)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */1024"


@pytest.mark.page(RANGES)
def test_a_range_through_the_client(film):
    assert film.blob("film").download_as_bytes(start=10, end=19) == DATA[10:20]


@pytest.mark.page(RANGES)
def test_a_reader_seeks(film):
    with film.blob("film").open("rb", chunk_size=256) as reader:
        reader.seek(1000)
        assert reader.read(10) == DATA[1000:1010]


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgooghash")
def test_the_checksums_are_in_the_headers(film):
    found = film.fresh("film")
    hashes = media(film).headers["X-Goog-Hash"]
    assert f"crc32c={found.crc32c}" in hashes
    assert f"md5={found.md5_hash}" in hashes


@pytest.mark.page(f"{DOCS}/xml-api/reference-headers#xgoogstoredcontentlength")
def test_generation_and_stored_length_are_in_the_headers(film):
    found, headers = film.fresh("film"), media(film).headers
    assert headers["X-Goog-Generation"] == str(found.generation)
    assert headers["X-Goog-Metageneration"] == "1"
    assert headers["X-Goog-Stored-Content-Length"] == "1024"
    assert headers["X-Goog-Stored-Content-Encoding"] == "identity"


def test_a_generation_can_be_asked_for(film):
    generation = film.fresh("film").generation
    assert media(film, params={"generation": generation}).content == DATA


def test_a_dead_generation_is_404(film):
    generation = film.fresh("film").generation
    film.write("film", b"newer")
    assert media(film, params={"generation": generation}).status_code == 404


def test_get_with_alt_media_is_the_content(film):
    answer = film.endpoint.json("GET", film.path("film"), params={"alt": "media"})
    assert answer.content == DATA


@pytest.mark.page(f"{DOCS}/transcoding")
def test_a_gzip_object_is_unpacked_for_who_does_not_take_gzip(space):
    blob = space.blob()
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(DATA), content_type="text/plain")
    answer = media(space, "object", Accept_Encoding="identity")
    assert answer.content == DATA
    assert answer.headers.get("Content-Encoding") in {None, "identity"}


@pytest.mark.page(f"{DOCS}/transcoding")
def test_a_gzip_object_stays_packed_for_who_takes_gzip(space):
    packed = gzip.compress(DATA)
    blob = space.blob()
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/plain")
    assert space.blob().download_as_bytes(raw_download=True) == packed
    assert space.blob().download_as_bytes() == DATA
    answer = media(space, "object", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content == DATA


@pytest.mark.page(f"{DOCS}/transcoding#decompressive_transcoding")
def test_no_transform_keeps_gzip_packed(space):
    packed = gzip.compress(DATA)
    blob = space.blob()
    blob.content_encoding, blob.cache_control = "gzip", "no-transform"
    blob.upload_from_string(packed, content_type="text/plain")
    response = space.endpoint.client._http.get(
        space.endpoint.url + "/download" + space.path(),
        params={"alt": "media"},
        headers={"Accept-Encoding": "identity"},
        stream=True,
    )
    assert response.raw.read(decode_content=False) == packed


@pytest.mark.page(f"{DOCS}/hashes-etags#etags")
def test_if_none_match_with_the_etag_is_304(film):
    etag = media(film).headers["ETag"]
    answer = media(film, If_None_Match=etag)
    assert answer.status_code == 304
    assert answer.content == b""
    assert media(film, If_None_Match='"another"').status_code == 200


@pytest.mark.page(f"{DOCS}/hashes-etags#etags")
def test_reload_under_the_etag(film, refused):
    blob = film.fresh("film")
    blob.reload(if_etag_match=blob.etag)
    with refused(304):
        blob.reload(if_etag_not_match=blob.etag)
    with refused(412):
        blob.reload(if_etag_match="another")


def test_exists(film):
    assert film.blob("film").exists()
    assert not film.blob("nothing").exists()


def test_a_download_is_whole_while_it_is_overwritten(space, together):
    size = 300_000
    space.write(data=b"0" * size)

    def work(number):
        if number % 2:
            space.write(data=str(number % 10).encode() * size)
            return None
        return space.blob().download_as_bytes(checksum="crc32c")

    for data in filter(None, together(8, work)):
        assert isinstance(data, bytes), data
        assert len(data) == size
        assert len(set(data)) == 1
