"""What a report means at the edges: the last second of a day, a failure without words."""

import pytest

from lib.core.jobs.job import Stage, State, Status
from lib.core.protocol.decide import End, Keep, decide, lost_link
from lib.core.upstream import reader
from lib.core.upstream.outcomes import Report, TaskStatus

NOW = 1_780_000_000.0
DAY_S = 86_400.0
STATE = State(Stage.RUNNING, "b" * 16, NOW - 100, task_id="t", accepted_at=NOW - DAY_S)


def decided(status, now=NOW, **fields):
    return decide(STATE, Report("t", status, **fields), now, DAY_S, reader.classify)


def test_a_task_is_given_up_after_its_day_and_not_in_its_last_second():
    assert decided(TaskStatus.UNKNOWN) == Keep()
    ending = decided(TaskStatus.UNKNOWN, NOW + 0.001)
    assert isinstance(ending, End)
    assert not ending.final
    assert ending.verdict.status is Status.EXPIRED
    assert ending.verdict.failure.retryable


@pytest.mark.parametrize(
    ("code", "message", "shown", "told"),
    [
        ("InternalError", "it broke", "InternalError", "it broke"),
        ("", "", None, "The upstream gave no reason."),
    ],
)
def test_a_failure_says_what_the_upstream_said(code, message, shown, told):
    ending = decided(TaskStatus.FAILED, code=code, message=message)
    assert ending.final
    failure = ending.verdict.failure
    assert (failure.upstream_code, failure.message) == (shown, told)


def test_a_film_that_was_lost_is_paid_and_may_be_made_again():
    verdict = lost_link(STATE, Report("t", TaskStatus.SUCCEEDED), NOW)
    assert verdict.status is Status.FAILED
    assert verdict.paid is True
    assert verdict.failure.kind.code == "upstream_expired"
    assert verdict.failure.retryable


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELED])
@pytest.mark.parametrize(
    ("usage", "paid"),
    [({"video_count": 1}, None), ({"video_count": 0.5}, None), ({"billed": True}, False)],
)
def test_the_least_that_was_used_contradicts_and_a_word_does_not(status, usage, paid):
    assert decided(status, usage=usage).verdict.paid is paid
