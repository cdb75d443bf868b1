"""Every write is conditional: on the generation, on the metageneration, or on there being nothing."""

import pytest

from lib.adapters.bucket.client import Bucket
from lib.adapters.bucket.errors import Conflict, Missing
from lib.core.errors import ApiError
from tests.hooks import instance, refused


@pytest.fixture
def bucket(world):
    return Bucket(world.bucket, world.clock.advance)


def test_an_object_is_created_where_none_is_and_nowhere_else(bucket):
    made = bucket.create("a", b"one", "text/plain", {"kept": "yes", "gone": None})
    assert bucket.stat("a").metadata == {"kept": "yes"}
    with pytest.raises(Conflict):
        bucket.create("a", b"two", "text/plain")
    assert bucket.read("a") == b"one"
    again = bucket.create("a", b"two", "text/plain", generation=made.generation)
    assert (bucket.read("a"), bucket.stat("a").metadata) == (b"two", {})
    with pytest.raises(Conflict):
        bucket.create("a", b"three", "text/plain", generation=made.generation)
    assert bucket.stat("a").generation == again.generation


def test_metadata_is_changed_as_it_was_seen(bucket):
    seen = bucket.create("a", b"one", "text/plain", {"x": "1", "y": "1"})
    bucket.patch(seen, {"x": "2", "y": None})
    assert bucket.stat("a").metadata == {"x": "2"}
    with pytest.raises(Conflict):
        bucket.patch(seen, {"x": "3"})
    assert bucket.stat("a").metadata == {"x": "2"}


def test_another_object_of_the_same_name_is_another_object(bucket):
    seen = bucket.create("a", b"one", "text/plain", {"x": "1"})
    assert bucket.delete("a", seen.generation) is True
    new = bucket.create("a", b"two", "text/plain", {"x": "1"})
    with pytest.raises(Missing):
        bucket.patch(seen, {"x": "2"})
    assert bucket.delete("a", seen.generation, seen.metageneration) is False
    assert bucket.delete("a", seen.generation) is False
    assert bucket.stat("a").metadata == {"x": "1"}
    assert bucket.stat("a").generation == new.generation


def test_an_object_is_deleted_as_it_was_seen(bucket):
    seen = bucket.create("a", b"one", "text/plain")
    moved = bucket.patch(seen, {"x": "2"})
    with pytest.raises(Conflict):
        bucket.delete("a", seen.generation, seen.metageneration)
    assert bucket.read("a") == b"one"
    assert bucket.delete("a", moved.generation, moved.metageneration) is True
    assert bucket.read("a") is None
    assert bucket.delete("a", moved.generation) is False


@pytest.mark.parametrize(
    "read",
    [
        lambda bucket: bucket.read("a"),
        lambda bucket: bucket.stat("a"),
        lambda bucket: list(bucket.objects("")),
        lambda bucket: bucket.delete("a", 7),
    ],
    ids=["read", "stat", "objects", "delete"],
)
def test_a_412_to_a_call_without_a_condition_is_an_odd_answer_and_not_a_conflict(world, read):
    def storage(request, send):
        return (
            refused(request, 412, b"{}") if request.method in {"GET", "DELETE"} else send(request)
        )

    with pytest.raises(ApiError):
        read(
            Bucket(
                instance(world, storage=storage).context.jobs._bucket._bucket, world.clock.advance
            )
        )
