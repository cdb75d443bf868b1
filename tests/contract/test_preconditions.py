"""Preconditions: what does not hold is refused, whichever way the call takes."""

import io

import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/request-preconditions")

QUANTUM = 256 * 1024


def multipart(blob, **conditions):
    blob.upload_from_string(b"new", **conditions)


def resumable(blob, **conditions):
    blob.chunk_size = QUANTUM
    blob.upload_from_file(io.BytesIO(b"n" * (QUANTUM + 1)), size=QUANTUM + 1, **conditions)


def streamed(blob, **conditions):
    with blob.open("wb", chunk_size=QUANTUM, **conditions) as writer:
        writer.write(b"new")


def media(blob, **conditions):
    names = {
        "if_generation_match": "ifGenerationMatch",
        "if_generation_not_match": "ifGenerationNotMatch",
        "if_metageneration_match": "ifMetagenerationMatch",
        "if_metageneration_not_match": "ifMetagenerationNotMatch",
    }
    query = {names[key]: value for key, value in conditions.items()}
    url = f"{blob.client._connection.API_BASE_URL}/upload/storage/v1/b/{blob.bucket.name}/o"
    answer = blob.client._http.post(
        url, params={"uploadType": "media", "name": blob.name, **query}, data=b"new"
    )
    if answer.status_code != 200:
        from google.api_core.exceptions import from_http_response  # only here

        raise from_http_response(answer)


WAYS = [multipart, resumable, streamed, media]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@ways
def test_create_once_creates_what_is_not_there(space, way):
    way(space.blob(), if_generation_match=0)
    assert space.fresh() is not None


@ways
def test_create_once_refuses_what_is_there(space, refused, way):
    space.write(data=b"old")
    with refused(412):
        way(space.blob(), if_generation_match=0)
    assert space.blob().download_as_bytes() == b"old"


@ways
def test_overwriting_the_live_generation_is_allowed(space, way):
    old = space.write(data=b"old")
    way(space.blob(), if_generation_match=old.generation)
    assert space.fresh().generation > old.generation


@ways
def test_overwriting_a_stale_generation_is_refused(space, refused, way):
    stale = space.write(data=b"old").generation
    space.write(data=b"newer")
    with refused(412):
        way(space.blob(), if_generation_match=stale)
    assert space.blob().download_as_bytes() == b"newer"


@ways
def test_overwriting_what_is_gone_is_refused(space, refused, way):
    old = space.write()
    old.delete()
    with refused(412):
        way(space.blob(), if_generation_match=old.generation)
    assert space.fresh() is None


@ways
def test_an_upload_under_a_stale_metageneration_is_refused(space, refused, way):
    blob = space.write(data=b"old")
    blob.metadata = {"a": "b"}
    blob.patch()
    with refused(412):
        way(space.blob(), if_metageneration_match=1)
    assert space.blob().download_as_bytes() == b"old"


@ways
def test_an_upload_that_must_not_meet_this_generation_is_refused(space, refused, way):
    old = space.write(data=b"old")
    with refused(412):
        way(space.blob(), if_generation_not_match=old.generation)


def test_an_upload_that_must_meet_something_is_refused_on_nothing(space, refused):
    with refused(412):
        multipart(space.blob(), if_generation_not_match=0)


def test_conditions_of_a_resumable_upload_are_judged_at_its_end(space, refused):
    writer = space.blob().open("wb", chunk_size=QUANTUM, if_generation_match=0)
    writer.write(b"x" * QUANTUM)
    space.write(data=b"came between")
    writer.write(b"x")
    with refused(412):
        writer.close()
    assert space.blob().download_as_bytes() == b"came between"


def get(blob, **conditions):
    blob.reload(**conditions)


def download(blob, **conditions):
    blob.download_as_bytes(**conditions)


def patch(blob, **conditions):
    blob.metadata = {"touched": "yes"}
    blob.patch(**conditions)


def update(blob, **conditions):
    blob.metadata = {"touched": "yes"}
    blob.update(**conditions)


def delete(blob, **conditions):
    blob.delete(**conditions)


READS, WRITES = [get, download], [patch, update, delete]
calls = pytest.mark.parametrize("call", READS + WRITES, ids=lambda call: call.__name__)
reads = pytest.mark.parametrize("call", READS, ids=lambda call: call.__name__)
writes = pytest.mark.parametrize("call", WRITES, ids=lambda call: call.__name__)


@calls
def test_a_call_under_the_live_generation_passes(space, call):
    old = space.write()
    call(space.blob(), if_generation_match=old.generation)


@calls
def test_a_call_under_a_stale_generation_is_refused(space, refused, call):
    stale = space.write().generation
    space.write()
    with refused(412):
        call(space.blob(), if_generation_match=stale)
    assert not space.fresh().metadata


@calls
def test_a_call_under_the_live_metageneration_passes(space, call):
    space.write()
    call(space.blob(), if_metageneration_match=1)


@calls
def test_a_call_under_a_stale_metageneration_is_refused(space, refused, call):
    blob = space.write()
    blob.cache_control = "no-store"
    blob.patch()
    with refused(412):
        call(space.blob(), if_metageneration_match=1)
    assert space.fresh().metageneration == 2


@reads
def test_a_read_of_the_generation_that_one_has_is_304(space, refused, call):
    old = space.write()
    with refused(304):
        call(space.blob(), if_generation_not_match=old.generation)


@reads
def test_a_read_of_the_metageneration_that_one_has_is_304(space, refused, call):
    space.write()
    with refused(304):
        call(space.blob(), if_metageneration_not_match=1)


@reads
def test_a_read_of_another_generation_than_one_has_passes(space, call):
    stale = space.write().generation
    space.write()
    call(space.blob(), if_generation_not_match=stale)


@writes
def test_a_write_that_must_not_meet_this_generation_is_refused(space, refused, call):
    old = space.write()
    with refused(412):
        call(space.blob(), if_generation_not_match=old.generation)
    assert space.fresh() is not None


@writes
def test_a_write_that_must_not_meet_this_metageneration_is_refused(space, refused, call):
    space.write()
    with refused(412):
        call(space.blob(), if_metageneration_not_match=1)
    assert space.fresh().metageneration == 1


@calls
@pytest.mark.page(f"{DOCS}/object-versioning")
def test_a_dead_generation_is_404(space, refused, call):
    dead = space.write().generation
    space.write()
    blob = space.bucket.blob(space.blob().name, generation=dead)
    with refused(404):
        call(blob)
    assert space.fresh() is not None


@calls
@pytest.mark.page(f"{DOCS}/json_api/v1/status-codes#404-not-found")
def test_what_is_not_there_is_404(space, refused, call):
    with refused(404):
        call(space.blob("nothing"))


def test_both_conditions_must_hold(space, refused):
    blob = space.write()
    with refused(412):
        delete(space.blob(), if_generation_match=blob.generation, if_metageneration_match=9)
    delete(space.blob(), if_generation_match=blob.generation, if_metageneration_match=1)
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/json_api/v1/status-codes#412_Precondition_failed")
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
def test_a_refusal_has_the_services_body(space, method):
    space.write()
    answer = space.endpoint.json(
        method,
        space.path(),
        params={"ifGenerationMatch": "1"},
        json={} if method == "PATCH" else None,
    )
    assert answer.status_code == 412
    error = answer.json()["error"]
    assert error["code"] == 412
    assert error["errors"][0]["reason"] == "conditionNotMet"
    assert error["errors"][0]["domain"] == "global"


@pytest.mark.page(f"{DOCS}/json_api/v1/status-codes#404-not-found")
def test_a_missing_object_has_the_services_body(space):
    answer = space.endpoint.json("GET", space.path("nothing"))
    assert answer.status_code == 404
    assert answer.json()["error"]["errors"][0]["reason"] == "notFound"


def test_a_condition_that_is_no_number_is_400(space):
    space.write()
    answer = space.endpoint.json("GET", space.path(), params={"ifGenerationMatch": "soon"})
    assert answer.status_code == 400


@pytest.mark.page(f"{DOCS}/json_api/v1/status-codes#404-not-found")
def test_deleting_twice_is_404_the_second_time(space, refused):
    blob = space.write()
    blob.delete()
    with refused(404):
        space.blob().delete()
