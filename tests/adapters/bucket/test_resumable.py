"""Uploads whose chunks are refused, lost or cut: one right object, and only the chunk is sent again."""

import io

import pytest

from lib.adapters.bucket import resumable
from lib.adapters.bucket.errors import Conflict
from lib.core.errors import ApiError
from lib.emulator.in_process import InProcess

CHUNK = resumable.CHUNK_BYTES
QUANTUM = 256 * 1024
NAME = "videos/o/x.mp4"


@pytest.fixture
def bucket(world):
    return world.context.artifacts._bucket


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of one quantum, so that a small object has several."""
    monkeypatch.setattr(resumable, "CHUNK_BYTES", QUANTUM)


def content(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def blocks(data, step=100_000):
    return [data[at : at + step] for at in range(0, len(data), step)]


def stored(world):
    return world.bucket.blob(NAME).download_as_bytes()


def puts(world):
    return sum(one["method"] == "PUT" for one in world.storage.traffic.log())


SIZES = [1, QUANTUM - 1, QUANTUM, QUANTUM + 1, 3 * QUANTUM, 3 * QUANTUM + 5]


@pytest.mark.parametrize("size", SIZES)
def test_an_object_of_any_size_arrives_whole(world, bucket, small_chunks, size):
    bucket.upload(NAME, "video/mp4", blocks(content(size)), lambda: None)
    assert stored(world) == content(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("nth", range(4))
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429}, {"drop": "before"}, {"drop": "after"}]
)
def test_a_chunk_that_is_refused_or_lost_is_sent_again_at_once(
    world, bucket, small_chunks, size, nth, fault
):
    begun, chunks = world.clock.now(), -(-size // QUANTUM)
    passed = []

    def data():
        for block in blocks(content(size), QUANTUM // 2):
            if len(passed) == nth:
                world.storage.faults.add(method="PUT", object=NAME, **fault)
            passed.append(block)
            yield block

    bucket.upload(NAME, "video/mp4", data(), lambda: None)
    assert stored(world) == content(size)
    assert puts(world) <= chunks + 2  # the lost one, and the question where the session stands
    assert world.clock.now() - begun < 0.1


def test_the_start_of_an_upload_is_tried_again(world, bucket):
    world.storage.faults.add(method="POST", object=NAME, status=503, times=3)
    bucket.upload(NAME, "video/mp4", [b"abc"], lambda: None)
    assert stored(world) == b"abc"


def test_the_question_where_it_stands_is_tried_again_too(world, bucket, small_chunks):
    world.storage.faults.add(method="PUT", object=NAME, drop="after", times=3)
    bucket.upload(NAME, "video/mp4", blocks(content(3 * QUANTUM)), lambda: None)
    assert stored(world) == content(3 * QUANTUM)


def test_four_tries_and_no_more(world, bucket):
    world.storage.faults.add(method="PUT", object=NAME, status=503, times=100)
    begun = world.clock.now()
    with pytest.raises(ApiError):
        bucket.upload(NAME, "video/mp4", [b"abc"], lambda: None)
    assert puts(world) <= 8
    assert world.clock.now() - begun < 5
    assert world.names("videos/") == []


def test_before_a_further_try_its_owner_is_asked_whether_it_may(world, bucket):
    class LostError(Exception):
        pass

    def alive():
        raise LostError

    world.storage.faults.add(method="PUT", object=NAME, status=503)
    with pytest.raises(LostError):
        bucket.upload(NAME, "video/mp4", [b"abc"], lambda: None, alive)
    assert world.names("videos/") == []


def test_an_upload_that_is_given_up_is_cancelled_and_leaves_nothing(world, bucket, small_chunks):
    class EnoughError(Exception):
        pass

    def confirm():
        raise EnoughError

    with pytest.raises(EnoughError):
        bucket.upload(NAME, "video/mp4", blocks(content(2 * QUANTUM + 1)), confirm)
    assert world.names("videos/") == []
    (session,) = world.storage._uploads._sessions.values()
    assert session.cancelled


def test_an_object_that_is_there_is_a_conflict_and_stays(world, bucket, small_chunks):
    bucket.upload(NAME, "video/mp4", [b"first"], lambda: None)
    with pytest.raises(Conflict):
        bucket.upload(NAME, "video/mp4", blocks(content(2 * QUANTUM)), lambda: None)
    assert stored(world) == b"first"


def stingy(app, kept):
    """The storage behind a proxy that lets only the first quantum of the first chunk through."""

    def proxy(environ, start_response):
        span = environ.get("HTTP_CONTENT_RANGE", "")
        if span.startswith("bytes 0-") and not kept:
            kept.append(span)
            body = environ["wsgi.input"].read(QUANTUM)
            environ |= {
                "HTTP_CONTENT_RANGE": f"bytes 0-{QUANTUM - 1}/*",
                "CONTENT_LENGTH": str(QUANTUM),
                "wsgi.input": io.BytesIO(body),
            }
        return app(environ, start_response)

    return proxy


def test_what_the_session_kept_in_part_is_topped_up(world, monkeypatch):
    """A session may keep less than it was sent, and says so with 308."""
    kept = []

    def connect():
        session = world.session()
        session.mount(world.storage_url, InProcess(stingy(world.storage, kept)))
        return session

    monkeypatch.setattr(resumable, "CHUNK_BYTES", 4 * QUANTUM)
    bucket = world.instance(connect=connect).context.artifacts._bucket
    bucket.upload(NAME, "video/mp4", blocks(content(9 * QUANTUM)), lambda: None)
    assert stored(world) == content(9 * QUANTUM)
    assert kept == [f"bytes 0-{4 * QUANTUM - 1}/*"]
