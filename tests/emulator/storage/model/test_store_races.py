"""Check and change are one step: the windows between them are held open, and nobody slips in."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed

from lib.emulator.clock import Clock

THREADS = 8


class SlowClock(Clock):
    """Every look at it lets other threads go first."""

    def now(self):
        time.sleep(0.002)
        return super().now()


@pytest.fixture
def slow(make_emulated):
    return make_emulated(clock=SlowClock())


def winners(work):
    def one(number):
        try:
            work(number)
        except (PreconditionFailed, NotFound):
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(one, range(THREADS)))


def test_creates_that_have_all_seen_nothing(slow, monkeypatch):
    gate, keep = threading.Barrier(THREADS), slow.app.store._contents.keep

    def held(data):
        gate.wait(10)  # everybody has passed the first look by now
        return keep(data)

    monkeypatch.setattr(slow.app.store._contents, "keep", held)

    def work(number):
        slow.bucket.blob("x").upload_from_string(f"{number}", if_generation_match=0, retry=None)

    assert winners(work) == 1


def test_patches_of_one_metageneration(slow):
    slow.write("x")

    def work(number):
        blob = slow.bucket.blob("x")
        blob.metadata = {"by": f"{number}"}
        blob.patch(if_metageneration_match=1, retry=None)

    assert winners(work) == 1
    assert slow.bucket.get_blob("x").metageneration == 2


def test_patches_without_a_condition_lose_no_key(slow):
    slow.write("x")

    def work(number):
        blob = slow.bucket.blob("x")
        blob.metadata = {f"key{number}": "set"}
        blob.patch(retry=None)

    assert winners(work) == THREADS
    assert len(slow.bucket.get_blob("x").metadata) == THREADS


def test_deletes_of_one_generation(slow):
    generation = slow.write("x").generation

    def work(_number):
        slow.bucket.blob("x").delete(if_generation_match=generation, retry=None)

    assert winners(work) == 1


def test_buckets_of_one_name(slow):
    answers = []

    def work(_number):
        answers.append(slow.call("POST", "/storage/v1/b", json={"name": "same"}).status_code)

    winners(work)
    assert sorted(answers) == [200] + [409] * (THREADS - 1)


def test_the_last_chunk_sent_twice_at_once_makes_one_object(slow):
    answer = slow.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x")
    uri, generations = answer.headers["Location"], set()

    def work(_number):
        generations.add(slow.web.put(uri, data=b"whole").json()["generation"])

    assert winners(work) == THREADS
    assert len(generations) == 1
