"""32 threads at once: no lost update, exactly one winner."""

import io

import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/request-preconditions#special-case")

THREADS = 32


def successes(results):
    """The winners; everybody else must have been refused, not have failed."""
    losers = [result for result in results if isinstance(result, Exception)]
    unexpected = [error for error in losers if not isinstance(error, PreconditionFailed | NotFound)]
    assert not unexpected
    return [result for result in results if not isinstance(result, Exception)]


@pytest.mark.parametrize("turn", range(3))
def test_one_of_32_creates_wins(space, together, turn):
    def work(number):
        space.blob().upload_from_string(f"{number}", if_generation_match=0)
        return f"{number}"

    winners = successes(together(THREADS, work))
    assert len(winners) == 1
    assert space.blob().download_as_text() == winners[0]


def test_one_of_32_overwrites_wins(space, together):
    old = space.write().generation

    def work(number):
        space.blob().upload_from_string(f"{number}", if_generation_match=old)
        return f"{number}"

    winners = successes(together(THREADS, work))
    assert len(winners) == 1
    assert space.blob().download_as_text() == winners[0]


def test_one_of_32_leases_wins(space, together):
    space.write(metadata={"by": "nobody"})

    def work(number):
        blob = space.blob()
        blob.metadata = {"by": f"{number}"}
        blob.patch(if_metageneration_match=1)
        return f"{number}"

    winners = successes(together(THREADS, work))
    assert len(winners) == 1
    assert space.fresh().metadata["by"] == winners[0]


def test_a_counter_loses_no_count(space, together):
    space.write(metadata={"count": "0"})

    def work(_number):
        while True:
            blob = space.fresh()
            blob.metadata = {"count": str(int(blob.metadata["count"]) + 1)}
            try:
                blob.patch(if_metageneration_match=blob.metageneration)
            except PreconditionFailed:
                continue
            return True

    assert len(successes(together(THREADS, work))) == THREADS
    found = space.fresh()
    assert found.metadata["count"] == str(THREADS)
    assert found.metageneration == THREADS + 1


def test_one_of_32_deletes_wins(space, together):
    generation = space.write().generation

    def work(_number):
        space.blob().delete(if_generation_match=generation)
        return True

    assert len(successes(together(THREADS, work))) == 1


def test_one_of_16_resumable_creates_wins(space, together):
    size = 2 * 256 * 1024

    def work(number):
        blob = space.blob(chunk_size=256 * 1024)
        data = bytes([number]) * size
        blob.upload_from_file(io.BytesIO(data), size=size, if_generation_match=0)
        return number

    winners = successes(together(16, work))
    assert len(winners) == 1
    assert space.blob().download_as_bytes() == bytes([winners[0]]) * size


def test_plain_overwrites_all_pass_and_one_stays(space, together):
    def work(number):
        space.blob().upload_from_string(f"{number}" * 1000)
        return f"{number}" * 1000

    writes = successes(together(THREADS, work))
    assert len(writes) == THREADS
    assert space.blob().download_as_text() in writes
