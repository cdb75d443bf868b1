"""The protocol's stages as a picture: every step and every ending that exists, written a second time."""

import pytest

from lib.core.jobs.stages import ENDINGS, STATUS_OF, TRANSITIONS, IllegalTransition, check_ending

STEPS = """
    queued > queued sending cancelled
    sending > running queued unsure
    unsure > unsure running queued
    running > running copying
    copying > copying running
    cancelled >
    deleting > deleting
"""
ENDS = """
    queued >
    sending > expired failed
    unsure > failed
    running > failed cancelled
    copying > completed failed expired
    cancelled > cancelled
    deleting >
"""
SHOWN = """
    queued sending unsure > queued
    running copying > in_progress
    cancelled deleting > cancelled
"""


def lines(text):
    for line in text.strip().splitlines():
        before, _, after = line.partition(">")
        yield before.split(), {*after.split()}


def test_the_steps_are_those_of_the_picture():
    drawn = {stage: steps for (stage,), steps in lines(STEPS)}
    assert {str(stage): {*map(str, steps)} for stage, steps in TRANSITIONS.items()} == drawn


def test_the_endings_are_those_of_the_picture():
    drawn = {stage: ends for (stage,), ends in lines(ENDS)}
    assert {str(stage): {*map(str, ends)} for stage, ends in ENDINGS.items()} == drawn


def test_a_caller_sees_the_word_of_the_picture():
    drawn = {stage: word for stages, (word,) in lines(SHOWN) for stage in stages}
    assert {str(stage): str(word) for stage, word in STATUS_OF.items()} == drawn


@pytest.mark.parametrize("stage", ENDINGS)
def test_an_ending_that_is_not_drawn_is_refused(stage):
    for status in {*STATUS_OF.values()} - ENDINGS[stage]:
        with pytest.raises(IllegalTransition):
            check_ending(stage, status)
    for status in ENDINGS[stage]:
        check_ending(stage, status)
