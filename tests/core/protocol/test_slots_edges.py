"""The edges of a place upstream: how far ahead its beginning may lie, and what ends it."""

import pytest

from lib.core.jobs.job import Stage, State
from lib.core.protocol.slots import TASK_AT_MOST_S, holds_slot

NOW = 1_780_000_000.0
WINDOW_S = 70.0
AHEAD_S = 600.0


def running(accepted_at=NOW, **fields):
    return State(Stage.RUNNING, "b", accepted_at, task_id="t", accepted_at=accepted_at, **fields)


def sending(began, stage=Stage.SENDING):
    until = began - WINDOW_S
    return State(stage, "b", until - 30, until=until)


STATES = {
    "a task that runs": running(),
    "a send": sending(NOW),
    "a doubt": sending(NOW, Stage.UNSURE),
}


@pytest.mark.parametrize("which", STATES)
def test_a_place_is_held_from_a_little_ahead_until_a_task_must_have_ended(which):
    held = {at: holds_slot(STATES[which], NOW + at, WINDOW_S) for at in (-AHEAD_S, TASK_AT_MOST_S)}
    assert held == {-AHEAD_S: True, TASK_AT_MOST_S: True}
    for at in (-AHEAD_S - 0.001, TASK_AT_MOST_S + 0.001):
        assert not holds_slot(STATES[which], NOW + at, WINDOW_S)


def test_a_task_ends_with_the_moment_that_is_noted_whatever_it_is():
    """0 stands for a task that has not ended, and nothing else does."""
    assert holds_slot(running(ended_at=0.0), NOW, WINDOW_S)
    assert not holds_slot(running(ended_at=0.5), NOW, WINDOW_S)
    assert not holds_slot(running(tries=1), NOW, WINDOW_S)
