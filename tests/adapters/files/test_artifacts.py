"""Frames and films in the bucket: the same frame lies there once, and no film that is not whole."""

import pytest

from lib.adapters.files.artifacts import NotDelivered, Unusable
from lib.core.media.frames import check
from tests.world import picture

JOB = "vid_" + "0" * 27


@pytest.fixture
def artifacts(world):
    return world.context.artifacts


def stored(artifacts, data, length=None, ours=lambda: True):
    blocks = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    return artifacts.store_video("local", JOB, blocks, length, ours)


def test_the_same_frame_lies_there_once_and_is_read_again(world, artifacts):
    frame = check(picture(), "first_frame")
    first, again = (artifacts.store_frame("local", JOB, frame) for _ in range(2))
    assert first == again
    assert world.names("frames/") == [first.object]
    assert artifacts.frame(first) == frame.data
    artifacts.remove_frames("local", JOB)
    assert artifacts.frame(first) is None


def test_a_film_is_stored_with_the_buckets_own_word_for_it(world, artifacts, make_film):
    data = make_film()
    video = stored(artifacts, data, len(data))
    blob = world.bucket.get_blob(video.object)
    assert (blob.size, blob.crc32c, blob.generation) == (len(data), video.crc32c, video.generation)
    assert video.film.samples == 150
    assert artifacts.stored_video("local", JOB) == video
    artifacts.remove_video("local", JOB)
    assert artifacts.stored_video("local", JOB) is None


def test_what_is_not_whole_or_no_film_never_comes_to_exist(world, artifacts, make_film):
    data = make_film()
    with pytest.raises(NotDelivered, match=r"\d+ of \d+ bytes arrived"):
        stored(artifacts, data, len(data) + 1)
    with pytest.raises(Unusable):
        stored(artifacts, b"<html>" * 100, 600)
    with pytest.raises(NotDelivered, match="lease"):
        stored(artifacts, data, len(data), ours=lambda: False)
    assert world.names("videos/") == []


def test_a_bad_copy_that_stands_in_the_way_is_removed_and_a_good_one_is_taken(
    world, artifacts, make_film
):
    data, name = make_film(), f"videos/local/{JOB}.mp4"
    world.bucket.blob(name).upload_from_string(data[:-500])
    with pytest.raises(NotDelivered, match="a bad copy was removed"):
        stored(artifacts, data, len(data))
    assert world.names("videos/") == []
    world.bucket.blob(name).upload_from_string(data)
    assert stored(artifacts, data, len(data)).generation == world.bucket.get_blob(name).generation
