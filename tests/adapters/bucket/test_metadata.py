"""What the service says of an object: read whole, in order, or not at all."""

import pytest

from lib.adapters.bucket.metadata import meta_of, page_of


def written(world, name="a/1", data=b"film", metadata=None):
    blob = world.bucket.blob(name)
    blob.metadata = metadata
    blob.upload_from_string(data)
    return world.bucket.get_blob(name)


def test_what_the_service_says_is_read(world):
    blob = written(world, metadata={"stage": "queued"})
    meta = meta_of(blob)
    assert (meta.name, meta.size, meta.metadata, meta.odd) == ("a/1", 4, {"stage": "queued"}, False)
    assert (meta.generation, meta.metageneration) == (blob.generation, 1)
    assert meta.created_at == blob.time_created.timestamp()
    assert meta.crc32c == blob.crc32c


@pytest.mark.parametrize("field", ["name", "generation", "metageneration", "size", "timeCreated"])
def test_an_object_without_one_of_its_facts_is_no_answer(world, field):
    blob = written(world)
    if field == "name":
        blob.name = None
    else:
        del blob._properties[field]
    with pytest.raises(ValueError, match="an object without"):
        meta_of(blob)


def test_metadata_that_is_no_table_is_that_objects_own_matter(world):
    blob = written(world)
    blob._properties["metadata"] = ["odd"]
    meta = meta_of(blob)
    assert (meta.metadata, meta.odd, meta.size) == ({}, True, 4)


def test_pages_follow_each_other_and_one_out_of_order_is_no_answer(world):
    for number in (1, 2, 3):
        written(world, f"a/{number}")
    page, token = page_of(
        world.bucket.list_blobs(prefix="a/", max_results=3, page_size=2), "a/", ""
    )
    assert [meta.name for meta in page] == ["a/1", "a/2"]
    assert token
    for prefix, last in (("a/", "a/1"), ("b/", "")):
        with pytest.raises(ValueError, match="out of order"):
            page_of(world.bucket.list_blobs(prefix="a/"), prefix, last)
