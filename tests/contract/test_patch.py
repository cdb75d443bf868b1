"""Changing metadata: patch merges, null deletes, update replaces."""

import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/json_api/v1/objects/patch")


def test_a_patch_merges_custom_metadata(space):
    blob = space.write(metadata={"kept": "1", "changed": "1"})
    blob.metadata = {"changed": "2", "added": "3"}
    blob.patch()
    assert space.fresh().metadata == {"kept": "1", "changed": "2", "added": "3"}


def test_null_deletes_a_key(space):
    blob = space.write(metadata={"kept": "1", "gone": "1"})
    blob.metadata = {"gone": None}
    blob.patch()
    assert space.fresh().metadata == {"kept": "1"}


def test_null_for_a_key_that_is_not_there_does_nothing(space):
    blob = space.write(metadata={"kept": "1"})
    blob.metadata = {"never": None}
    blob.patch()
    assert space.fresh().metadata == {"kept": "1"}


def test_null_for_all_metadata_clears_it(space):
    blob = space.write(metadata={"a": "1", "b": "2"})
    blob.metadata = None
    blob.patch()
    assert not space.fresh().metadata


def test_an_empty_value_is_a_value(space):
    blob = space.write(metadata={"a": "1"})
    blob.metadata = {"a": ""}
    blob.patch()
    assert space.fresh().metadata == {"a": ""}


def test_a_patch_without_metadata_keeps_it(space):
    blob = space.write(metadata={"a": "1"})
    blob.cache_control = "no-store"
    blob.patch()
    found = space.fresh()
    assert found.metadata == {"a": "1"}
    assert found.cache_control == "no-store"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content_type", "image/png"),
        ("cache_control", "no-cache"),
        ("content_disposition", "inline"),
        ("content_language", "fr"),
        ("content_encoding", "br"),
    ],
)
def test_a_field_can_be_set_and_removed(space, field, value):
    blob = space.write()
    setattr(blob, field, value)
    blob.patch()
    assert getattr(space.fresh(), field) == value
    if field != "content_type":
        setattr(blob, field, None)
        blob.patch()
        assert getattr(space.fresh(), field) is None


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_every_patch_moves_the_metageneration_by_one(space):
    blob = space.write()
    for expected in (2, 3, 4):
        blob.metadata = {"round": str(expected)}
        blob.patch()
        assert blob.metageneration == expected
        assert space.fresh().metageneration == expected


@pytest.mark.page(f"{DOCS}/metadata#generation-number")
def test_a_patch_keeps_generation_content_and_creation_time(space):
    before = space.write(data=b"kept")
    blob = space.blob()
    blob.metadata = {"a": "b"}
    blob.patch()
    after = space.fresh()
    assert after.generation == before.generation
    assert after.time_created == before.time_created
    assert after.md5_hash == before.md5_hash
    assert after.download_as_bytes() == b"kept"


def test_a_patch_moves_the_time_of_the_last_change(space):
    before = space.write()
    blob = space.blob()
    blob.metadata = {"a": "b"}
    blob.patch()
    assert space.fresh().updated > before.updated


def test_the_answer_of_a_patch_is_the_whole_new_object(space):
    space.write(metadata={"a": "1"})
    answer = space.endpoint.json("PATCH", space.path(), json={"metadata": {"b": "2"}}).json()
    assert answer["metadata"] == {"a": "1", "b": "2"}
    assert answer["metageneration"] == "2"
    assert answer["size"] == "7"


def test_a_chain_of_conditional_patches(space, refused):
    blob = space.write()
    for number in range(5):
        blob.metadata = {"round": str(number)}
        blob.patch(if_metageneration_match=blob.metageneration)
    blob.metadata = {"round": "stale"}
    with refused(412):
        blob.patch(if_metageneration_match=1)
    assert space.fresh().metadata == {"round": "4"}


def test_a_refused_patch_changes_nothing(space, refused):
    space.write(metadata={"a": "1"})
    blob = space.blob()
    blob.metadata = {"a": "2"}
    with refused(412):
        blob.patch(if_metageneration_match=7)
    found = space.fresh()
    assert (found.metadata, found.metageneration) == ({"a": "1"}, 1)


@pytest.mark.page("https://cloud.google.com/storage/quotas#objects")
def test_a_patch_that_makes_the_metadata_too_large_is_refused(space, refused):
    space.write(metadata={"a": "x" * 5000})
    blob = space.blob()
    blob.metadata = {"b": "x" * 5000}
    with refused(400):
        blob.patch()
    assert list(space.fresh().metadata) == ["a"]


@pytest.mark.page(f"{DOCS}/json_api/v1/objects/update")
def test_an_update_replaces_the_metadata(space):
    blob = space.write(metadata={"gone": "1"})
    blob.metadata = {"only": "2"}
    blob.update()
    found = space.fresh()
    assert found.metadata == {"only": "2"}
    assert found.metageneration == 2


@pytest.mark.page(f"{DOCS}/json_api/v1/objects/update")
def test_an_update_clears_what_it_does_not_name(space):
    space.write(cache_control="no-store", metadata={"a": "1"})
    answer = space.endpoint.json("PUT", space.path(), json={"contentType": "text/html"})
    assert answer.status_code == 200
    found = space.fresh()
    assert (found.content_type, found.cache_control) == ("text/html", None)
    assert not found.metadata


def test_a_patch_of_a_fetched_object_names_its_generation(space, refused):
    fetched = space.bucket.get_blob(space.write().name)
    space.write(data=b"newer")
    fetched.metadata = {"late": "yes"}
    with refused(404):
        fetched.patch()
    assert not space.fresh().metadata
