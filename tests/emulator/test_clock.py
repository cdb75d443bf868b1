"""The one clock: frozen or running, moved forward only."""

import time

import pytest

from lib.emulator.clock import Clock


def test_a_frozen_clock_stands_until_it_is_moved():
    clock = Clock(start=1_000.0)
    assert clock.now() == clock.now() == 1_000.0
    assert clock.advance(60) == 1_060.0
    assert clock.now() == 1_060.0


def test_a_running_clock_keeps_its_distance_to_the_machines():
    clock = Clock()
    clock.advance(3600)
    assert clock.now() - time.time() == pytest.approx(3600, abs=1)


def test_it_refuses_to_run_backwards():
    clock = Clock(start=1_000.0)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
    assert clock.now() == 1_000.0


def test_listeners_see_the_new_time():
    clock, seen = Clock(start=0.0), []
    clock.on_advance(lambda: seen.append(clock.now()))
    clock.advance(1)
    clock.advance(0)
    assert seen == [1.0, 1.0]
