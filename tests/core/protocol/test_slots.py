"""A place upstream belongs to a task that may be running, and to nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.jobs.job import Stage, State
from lib.core.protocol.slots import TASK_AT_MOST_S, holds_slot

NOW = 1_780_000_000.0
WINDOW_S = 70.0
BUSY = (Stage.SENDING, Stage.UNSURE, Stage.RUNNING)
spans = st.floats(-1e6, 1e6)
states = st.builds(
    State,
    stage=st.sampled_from(Stage),
    by=st.just("b"),
    since=spans.map(lambda span: NOW + span),
    until=spans.map(lambda span: NOW + span),
    task_id=st.just("t"),
    accepted_at=spans.map(lambda span: NOW + span),
    tries=st.integers(0, 3),
    ended_at=st.sampled_from([0.0, NOW - 60]),
)


def held(state, now=NOW):
    return holds_slot(state, now, WINDOW_S)


@given(states)
def test_only_a_task_that_may_be_running_holds_a_place(state):
    if state.stage not in BUSY:
        assert not held(state)


@given(states)
def test_a_film_that_is_made_holds_no_place_whatever_its_copy_does(state):
    assert not held(replace(state, stage=Stage.RUNNING, ended_at=NOW - 60))
    assert not held(replace(state, stage=Stage.RUNNING, tries=max(state.tries, 1)))
    assert not held(replace(state, stage=Stage.COPYING))


@given(states, st.floats(0, 1e9))
def test_nothing_holds_a_place_for_longer_than_a_task_can_run(state, wait_s):
    began = {Stage.RUNNING: state.accepted_at}.get(state.stage, state.until + WINDOW_S)
    assert not held(state, began + TASK_AT_MOST_S + 0.001 + wait_s)


@given(st.sampled_from(BUSY), st.floats(0, TASK_AT_MOST_S - 1))
def test_a_task_that_can_still_be_running_holds_its_place(stage, age_s):
    since = NOW - age_s
    state = State(stage, "b", since, until=since, task_id="t", accepted_at=since)
    assert held(state)


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNSURE])
def test_a_doubt_holds_its_place_for_its_window_more(stage):
    state = State(stage, "b", NOW - 30, until=NOW)
    assert held(state, NOW + WINDOW_S + TASK_AT_MOST_S)
    assert not held(state, NOW + WINDOW_S + TASK_AT_MOST_S + 1)
