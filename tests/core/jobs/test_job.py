"""The job's values survive the bucket, and only legal steps can be written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.jobs.job import (
    ENDINGS,
    TRANSITIONS,
    FrameRef,
    IllegalTransition,
    Intent,
    Job,
    PlainRequest,
    Stage,
    State,
    Status,
    Verdict,
    check_ending,
)

tokens = st.text("0123456789abcdef", min_size=16, max_size=16)
moments = st.floats(min_value=0, max_value=4e9, allow_nan=False)


def written(state):
    """A state that some writer could have written: what its stage cannot do without is there."""
    running = state.stage in {Stage.RUNNING, Stage.COPYING}
    return replace(
        state,
        until=max(state.since, state.until),
        model=state.model or "wan2.2-kf2v-flash",
        task_id=state.task_id or "t" * running,
        accepted_at=state.accepted_at or 1.0 * running,
    )


states = st.builds(
    State,
    stage=st.sampled_from(Stage),
    by=tokens,
    since=moments,
    until=moments,
    account=st.sampled_from(["singapore", "beijing-2"]),
    model=st.sampled_from(["wan2.2-kf2v-flash", "wan2.1-kf2v-plus"]),
    task_id=st.one_of(st.just(""), st.uuids().map(str)),
    upstream_request_id=st.one_of(st.just(""), st.uuids().map(str)),
    adopted=st.booleans(),
    accepted_at=moments,
    tries=st.integers(0, 1000),
    reason=st.sampled_from(["", "rate_limited", "upstream_auth"]),
    eta_s=moments,
).map(written)


@given(states)
def test_a_state_survives_the_metadata_of_an_object_to_the_last_digit(state):
    stored = {key: value for key, value in state.to_metadata().items() if value is not None}
    assert State.from_metadata(stored) == state


@given(states, states)
def test_a_patch_leaves_nothing_of_the_state_before_it(old, new):
    stored = {k: v for k, v in old.to_metadata().items() if v is not None}
    for key, value in new.to_metadata().items():  # a metadata patch merges; None deletes
        stored.pop(key, None) if value is None else stored.__setitem__(key, value)
    assert State.from_metadata(stored) == new


@given(states)
def test_state_metadata_is_ascii_and_far_below_8_kib(state):
    stored = {key: value for key, value in state.to_metadata().items() if value is not None}
    assert sum(len(key) + len(value) for key, value in stored.items()) < 1024
    assert all(value.isascii() for value in stored.values())


def test_an_unknown_metadata_key_of_a_newer_version_is_ignored():
    state = State(Stage.QUEUED, "a" * 16, 1.0)
    stored = {k: v for k, v in state.to_metadata().items() if v is not None}
    assert State.from_metadata({**stored, "new": "x"}) == state


@pytest.mark.parametrize("source", Stage)
@pytest.mark.parametrize("target", Stage)
def test_only_listed_steps_can_be_made(source, target):
    state = State(source, "a" * 16, 1.0)
    if target in TRANSITIONS[source]:
        assert state.to(target, by="b" * 16, now=2.0).stage is target
    else:
        with pytest.raises(IllegalTransition):
            state.to(target, by="b" * 16, now=2.0)


def test_an_expired_lease_never_goes_straight_back_into_the_queue_by_a_copy_or_a_run():
    assert Stage.QUEUED not in TRANSITIONS[Stage.RUNNING] | TRANSITIONS[Stage.COPYING]
    assert TRANSITIONS[Stage.CANCELLED] == frozenset()


def test_a_lease_ends_with_the_stage_that_had_it():
    sending = State(Stage.SENDING, "a" * 16, 1.0, until=31.0)
    assert sending.to(Stage.RUNNING, by="b" * 16, now=2.0, task_id="t").until == 0.0


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("status", Status)
def test_only_listed_endings_are_accepted(stage, status):
    if status in ENDINGS[stage]:
        check_ending(stage, status)
    else:
        with pytest.raises(IllegalTransition):
            check_ending(stage, status)


def test_completed_is_reached_from_a_copy_alone():
    assert [stage for stage in Stage if Status.COMPLETED in ENDINGS[stage]] == [Stage.COPYING]


def test_an_intent_and_a_verdict_survive_json():
    intent = Intent(
        id="vid_1",
        owner="alice",
        created_at=1.5,
        account="singapore",
        region="singapore",
        request=PlainRequest(model="m", prompt="雨", resolution="720P", seconds=5),
        first=FrameRef("frames/a", "image/png", 750, 1000, 12),
        last=None,
        size=(816, 1104),
        warnings=("w",),
    )
    verdict = Verdict(Status.FAILED, 2.0, candidates=("t1", "t2"), paid=None)
    assert Intent.from_json({**intent.to_json(), "newer": 1}) == intent
    assert Verdict.from_json({**verdict.to_json(), "newer": 1}) == verdict


def test_a_caller_never_sees_a_non_terminal_word_besides_queued_and_in_progress():
    intent = None
    living = set(Stage) - {Stage.CANCELLED, Stage.DELETING}
    words = {Job(intent, State(stage, "", 0.0)).status for stage in living}
    assert words == {Status.QUEUED, Status.IN_PROGRESS}
    assert all(status.terminal for status in set(Status) - words)
