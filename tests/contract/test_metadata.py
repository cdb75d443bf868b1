"""What the service knows of an object after a write."""

import base64
import datetime as dt
import hashlib

import google_crc32c
import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/metadata")

FIELDS = {
    "content_type": "video/mp4",
    "cache_control": "private, max-age=60",
    "content_disposition": 'attachment; filename="film.mp4"',
    "content_language": "de",
    "storage_class": "NEARLINE",
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_given_at_the_upload_is_kept(space, field):
    blob = space.blob()
    setattr(blob, field, FIELDS[field])
    blob.upload_from_string(b"x", content_type=FIELDS["content_type"])
    assert getattr(space.fresh(), field) == FIELDS[field]


def test_the_content_encoding_is_kept(space):
    blob = space.blob()
    blob.content_encoding = "br"
    blob.upload_from_string(b"x")
    assert space.fresh().content_encoding == "br"


def test_the_custom_time_is_kept(space):
    moment = dt.datetime(2031, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    blob = space.blob()
    blob.custom_time = moment
    blob.upload_from_string(b"x")
    assert space.fresh().custom_time == moment


@pytest.mark.page(f"{DOCS}/metadata#custom-time")
def test_a_custom_time_cannot_move_back(space, refused):
    blob = space.write(custom_time=dt.datetime(2031, 5, 6, tzinfo=dt.UTC))
    blob.custom_time = dt.datetime(2030, 5, 6, tzinfo=dt.UTC)
    with refused(400):
        blob.patch()


@pytest.mark.page(f"{DOCS}/metadata#custom-time")
def test_a_custom_time_can_move_forward(space):
    blob = space.write(custom_time=dt.datetime(2031, 5, 6, tzinfo=dt.UTC))
    blob.custom_time = dt.datetime(2032, 5, 6, tzinfo=dt.UTC)
    blob.patch()
    assert space.fresh().custom_time.year == 2032


def test_the_storage_class_defaults_to_standard(space):
    space.write()
    assert space.fresh().storage_class == "STANDARD"


def test_an_unknown_storage_class_is_refused(space, refused):
    with refused(400):
        space.write(storage_class="ICE")


@pytest.mark.page(f"{DOCS}/metadata#custom-metadata")
@pytest.mark.parametrize(
    "metadata",
    [
        {"stage": "running"},
        {"Key-With_Signs.1": "v"},
        {"emoji": "\N{CLOUD WITH RAIN}", "kanji": "\N{CJK UNIFIED IDEOGRAPH-96E8}"},
        {"empty": ""},
        {"line": "a\nb\tc"},
        {"quote": "\"'\\"},
        {f"key{number}": "v" * 20 for number in range(60)},
    ],
    ids=["plain", "signs", "utf-8", "empty", "control", "quotes", "many"],
)
def test_custom_metadata_comes_back_as_it_was(space, metadata):
    space.write(metadata=metadata)
    assert space.fresh().metadata == metadata


@pytest.mark.page("https://cloud.google.com/storage/quotas#objects")
def test_custom_metadata_of_8_kib_is_taken(space):
    space.write(metadata={"k": "v" * 8191})
    assert len(space.fresh().metadata["k"]) == 8191


@pytest.mark.page("https://cloud.google.com/storage/quotas#objects")
def test_custom_metadata_above_8_kib_is_refused(space, refused):
    with refused(400):
        space.write(metadata={"k": "v" * 8192})
    assert space.fresh() is None


@pytest.mark.page("https://cloud.google.com/storage/quotas#objects")
def test_the_8_kib_count_bytes_not_characters(space, refused):
    with refused(400):
        space.write(metadata={"k": "ü" * 4100})


@pytest.mark.page(f"{DOCS}/hashes-etags")
@pytest.mark.parametrize("data", [b"", b"x", b"some film" * 1000], ids=["empty", "one", "more"])
def test_the_checksums_are_those_of_the_content(space, data):
    space.write(data=data)
    found = space.fresh()
    assert found.size == len(data)
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    assert found.md5_hash == base64.b64encode(md5).decode()
    crc = google_crc32c.value(data).to_bytes(4, "big")
    assert found.crc32c == base64.b64encode(crc).decode()


def test_an_empty_object_is_an_object(space):
    space.write(data=b"")
    assert space.fresh().size == 0
    assert space.blob().download_as_bytes() == b""


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_a_new_object_has_metageneration_1(space):
    blob = space.write(metadata={"a": "b"})
    assert blob.metageneration == 1
    assert blob.generation > 0


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_generations_grow(space):
    generations = [space.write(data=bytes([number])).generation for number in range(5)]
    assert generations == sorted(set(generations))


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_a_recreated_object_has_a_higher_generation(space):
    first = space.write()
    first.delete()
    assert space.write().generation > first.generation


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_an_overwrite_starts_the_metageneration_anew(space):
    blob = space.write()
    blob.metadata = {"a": "b"}
    blob.patch()
    assert blob.metageneration == 2
    assert space.write().metageneration == 1


def test_an_overwrite_replaces_the_metadata(space):
    space.write(metadata={"old": "1"}, cache_control="no-store")
    space.write()
    found = space.fresh()
    assert not found.metadata
    assert found.cache_control is None


@pytest.mark.page(f"{DOCS}/hashes-etags#etags")
def test_the_etag_moves_with_content_and_metadata(space):
    blob = space.write()
    seen = {blob.etag}
    blob.metadata = {"a": "b"}
    blob.patch()
    seen.add(blob.etag)
    seen.add(space.write().etag)
    assert len(seen) == 3


@pytest.mark.page(f"{DOCS}/json_api/v1/objects#resource-representations")
def test_times_are_set_by_the_service(space):
    blob = space.write()
    age = dt.datetime.now(dt.UTC) - blob.time_created
    assert abs(age) < dt.timedelta(minutes=5)
    assert blob.updated >= blob.time_created


@pytest.mark.page(f"{DOCS}/json_api/v1/objects#resource-representations")
def test_the_resource_names_itself(space):
    blob = space.write()
    resource = space.endpoint.json("GET", space.path()).json()
    assert resource["kind"] == "storage#object"
    assert resource["id"] == f"{blob.bucket.name}/{blob.name}/{blob.generation}"
    assert resource["bucket"] == blob.bucket.name
    assert resource["size"] == "7"
    assert resource["generation"] == str(blob.generation)


@pytest.mark.page(f"{DOCS}/json_api/v1/objects/insert")
def test_an_object_in_a_bucket_that_is_not_there_is_404(space, refused):
    with refused(404):
        space.endpoint.client.bucket("no-such-bucket-7f3a9c").blob("x").upload_from_string(b"x")


@pytest.mark.page(f"{DOCS}/json_api/v1/objects/insert")
def test_a_media_upload_takes_name_and_type_from_the_request(space):
    answer = space.endpoint.json(
        "POST",
        space.uploads(),
        params={"uploadType": "media", "name": space.prefix + "object"},
        data=b"media",
        headers={"Content-Type": "text/x-media"},
    )
    assert answer.status_code == 200
    assert space.fresh().content_type == "text/x-media"
    assert space.blob().download_as_bytes() == b"media"


@pytest.mark.page(f"{DOCS}/hashes-etags#validating")
@pytest.mark.parametrize("field", ["md5_hash", "crc32c"])
def test_a_declared_checksum_that_is_wrong_is_refused(space, refused, field):
    blob = space.blob()
    wrong = {"md5_hash": "AAAAAAAAAAAAAAAAAAAAAA==", "crc32c": "AAAAAA=="}
    setattr(blob, field, wrong[field])
    with refused(400):
        blob.upload_from_string(b"content", checksum=None)
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/hashes-etags#validating")
@pytest.mark.parametrize("checksum", ["md5", "crc32c"])
def test_a_declared_checksum_that_is_right_is_taken(space, checksum):
    space.blob().upload_from_string(b"content", checksum=checksum)
    assert space.blob().download_as_bytes() == b"content"
