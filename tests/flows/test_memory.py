"""Memory is lent in order, within its size, and given back whatever happens."""

import contextlib
import threading
import time

import pytest

from lib.core.errors import OVERLOADED, ApiError
from lib.flows.memory import WAITING_AT_MOST, MemoryBudget


def taken(room):
    return room._used


def test_room_is_given_back_after_an_error_and_nobody_waits_longer_than_said():
    room = MemoryBudget(10, wait_s=0.2)
    with contextlib.suppress(ValueError), room.held(10):
        raise ValueError
    with room.held(6):
        began = time.monotonic()
        with pytest.raises(ApiError) as refused, room.held(6):
            pass
        assert 0.1 < time.monotonic() - began < 1
        assert refused.value.kind is OVERLOADED
        assert refused.value.retry_after_s
        with room.held(4):  # who was refused stands in nobody's way
            assert taken(room) == 10
    assert taken(room) == 0


def test_many_threads_never_hold_more_than_there_is_and_all_get_their_turn():
    room, most, done, lock = MemoryBudget(10, wait_s=20), [0], [], threading.Lock()

    def work(size):
        while True:  # as a client that is told to come back
            with contextlib.suppress(ApiError), room.held(size):
                with lock:
                    most[0] = max(most[0], taken(room))
                time.sleep(0.002)
                break
            time.sleep(0.005)
        done.append(size)

    threads = [threading.Thread(target=work, args=[1 + n % 14]) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 60
    assert most[0] <= 10
    assert taken(room) == 0


def test_a_long_line_is_refused_at_once_so_that_threads_are_left_for_readers():
    room, refused = MemoryBudget(10, wait_s=5), []

    def work():
        try:
            with room.held(10):
                pass
        except ApiError as error:
            refused.append(error.kind)

    with room.held(10):
        threads = [threading.Thread(target=work) for _ in range(WAITING_AT_MOST + 3)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            if len(refused) == 3:
                break
            time.sleep(0.02)
        assert refused == [OVERLOADED] * 3
    for thread in threads:
        thread.join()
    assert len(refused) == 3


def test_a_large_one_is_not_overtaken_for_ever():
    room, order = MemoryBudget(10, wait_s=5), []

    def work(name, size):
        with room.held(size):
            order.append(name)
            time.sleep(0.02)

    with room.held(5):
        threads = []
        for name, size in (("large", 10), ("small", 1), ("small", 1)):
            threads.append(threading.Thread(target=work, args=[name, size]))
            threads[-1].start()
            time.sleep(0.02)
        assert order == []
    for thread in threads:
        thread.join()
    assert order[0] == "large"


def test_loans_grow_only_as_far_as_all_of_them_can_still_end():
    room = MemoryBudget(10, wait_s=0.05)
    with room.growing(10) as slow, room.growing(6) as small, room.growing(10) as large:
        slow.grow(1)
        small.grow(6)  # it can end, and then the slow one
        with pytest.raises(ApiError) as refused:
            large.grow(1)  # neither of the two large ones could end
        assert refused.value.kind is OVERLOADED
        slow.grow(4)
        assert taken(room) == 10
        slow.grow(2)  # a smaller size changes nothing
        assert (slow.held, small.held, large.held) == (4, 6, 0)
    assert taken(room) == 0


def test_many_growing_loans_all_end():
    room, done = MemoryBudget(20, wait_s=30), []

    def work(most):
        while True:
            with contextlib.suppress(ApiError), room.growing(most) as loan:
                for size in range(1, most + 1):
                    loan.grow(size)
                    assert taken(room) <= 20
                    time.sleep(0.001)
                break
            time.sleep(0.005)
        done.append(most)

    threads = [threading.Thread(target=work, args=[1 + n * 7 % 20]) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(done) == 30
    assert taken(room) == 0
