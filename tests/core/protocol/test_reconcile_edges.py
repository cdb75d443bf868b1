"""The rules of reconciling at their edges: the last second of a wait, and rows that only just count.

Each test names the rule that it leans on; the rules are those of `reconcile` and `evidence`.
"""

from dataclasses import replace

import pytest

from lib.core.protocol.evidence import Claim
from lib.core.protocol.reconcile import (
    ALIKE,
    DISPUTED_ROW,
    NO_KEY,
    NO_LIST,
    ODD_ROW,
    Adopt,
    Ask,
    GiveUp,
    SendAgain,
    Wait,
    conclude,
)
from lib.core.upstream.outcomes import TASK_AT_MOST_S, Listing, TaskStatus
from tests.core.protocol.test_reconcile import DOUBT, KNOWN, PLUS, SETTLED, WINDOW, evidence, row

DAY_S = 86_400.0
GIVEN_UP = 1030.0 + 60 + 60 + 10 + 30 + 60 + 60
LATE = GIVEN_UP + 0.001
DONE, RUNS, FAILED = TaskStatus.SUCCEEDED, TaskStatus.RUNNING, TaskStatus.FAILED
YOUNG = replace(DOUBT, key="young")  # sent with a key of which the list has shown nothing


def concluded(seen, now=SETTLED, doubt=DOUBT):
    return conclude(doubt, seen, WINDOW, now)


# When waiting ends


def test_a_doubt_is_given_up_after_lease_margin_and_delay_more_and_not_at_their_last_moment():
    seen = evidence(row("t1", key="k2"), doubts=(YOUNG,))
    assert concluded(seen, GIVEN_UP, YOUNG) == Wait()
    assert concluded(seen, LATE, YOUNG) == GiveUp(("t1",), NO_KEY)


def test_without_a_list_a_doubt_is_given_up_after_a_day_and_not_at_its_last_moment():
    seen = evidence(whole=False)
    assert concluded(seen, 1030.0 + DAY_S) == Wait()
    assert concluded(seen, 1030.0 + DAY_S + 0.001) == GiveUp((), NO_LIST)


def test_a_list_that_is_too_old_may_still_be_followed_by_one_that_helps():
    seen = evidence(row("t1"), at=1030.0 + 120 + 10)
    assert concluded(seen, 1030.0 + DAY_S + 0.001) == Wait()


@pytest.mark.parametrize(("beyond_s", "ends"), [(0.0, False), (0.001, True)])
def test_a_task_that_runs_is_waited_for_as_long_as_a_task_can_run(beyond_s, ends):
    at = 1030.0 + TASK_AT_MOST_S + beyond_s
    seen = evidence(row("t1"), row("t2"), at=at)
    expected = GiveUp(("t1", "t2"), ALIKE) if ends else Wait()
    assert concluded(seen, at) == expected


# A key that the list has never shown


def test_a_task_that_another_job_has_hinders_nothing_though_the_key_is_unknown():
    seen = evidence(row("t1"), recorded=("known", "t1"), doubts=(YOUNG,))
    assert concluded(seen, doubt=YOUNG) == SendAgain()


def test_only_tasks_of_the_window_are_kept_from_others_when_the_key_is_unknown():
    """A row beside the window forbids sending again; it is no candidate of this doubt."""
    seen = evidence(row("t1", key="k2"), row("t2", at=1250.0, key="k2"), doubts=(YOUNG,))
    assert concluded(seen, doubt=YOUNG) == Wait()
    assert concluded(seen, LATE, YOUNG) == GiveUp(("t1",), NO_KEY)


# Disputes and rows that cannot be read


def test_a_dispute_beside_the_window_does_not_forbid_adopting():
    seen = evidence(row("t1"), row("t2", at=900.0), claims={"t2": "disputed"})
    assert concluded(seen) == Adopt("t1")


def test_where_a_dispute_forbids_adopting_nobody_is_asked_for_prompts():
    rows = (row("t1", status=DONE), row("t2", status=DONE), row("t3"))
    seen = evidence(*rows, claims={"t3": "disputed"})
    assert concluded(seen) == Wait()
    assert concluded(seen, LATE) == GiveUp(("t1", "t2"), DISPUTED_ROW)


def test_a_row_that_cannot_be_read_is_not_waited_for_as_long_as_a_task_that_runs():
    odd = replace(row("t3"), model=None)
    seen = evidence(row("t1"), row("t2"), odd)
    assert concluded(seen) == Wait()
    assert concluded(seen, LATE) == GiveUp(("t1", "t2"), ODD_ROW)


# Rivals: other doubts that could have made the same task


def test_a_task_beside_the_window_is_waited_for_while_a_rival_may_get_it():
    """Once the rival has it, nothing hinders sending again."""
    rival = replace(DOUBT, id="vid_b", since=1200.0, until=1230.0)
    seen = evidence(row("t1", at=1210.0), doubts=(DOUBT, rival))
    assert concluded(seen, LATE) == Wait()
    settled = replace(seen, claims={**seen.claims, "t1": Claim("vid_b")}, doubts=(DOUBT,))
    assert concluded(settled, LATE) == SendAgain()


@pytest.mark.parametrize(
    ("fields", "contested"),
    [
        ({"since": 5000.0, "until": 5030.0}, False),  # of another time
        ({"model": PLUS}, False),
        ({}, True),
        ({"model": None}, True),  # its record could not be read: it may be of any model
    ],
    ids=["another time", "another model", "the same", "unreadable"],
)
def test_a_rival_is_a_doubt_that_could_have_made_the_same_task(fields, contested):
    rival = replace(DOUBT, id="vid_b", **fields)
    seen = evidence(row("t1"), doubts=(DOUBT, rival))
    assert concluded(seen) == (Wait() if contested else Adopt("t1"))


# Prompts


def told(first, second, doubt):
    """Two tasks in the window, and the prompts that the upstream reports of them."""
    rows = (row("t1", status=DONE), row("t2", status=FAILED))
    return replace(evidence(*rows, doubts=(doubt,)), prompts={"t1": first, "t2": second})


def test_the_one_task_that_reports_our_prompt_is_ours_beside_one_that_reports_none():
    doubt = replace(DOUBT, prompt="a cat")
    assert concluded(told("a cat", None, doubt), doubt=doubt) == Adopt("t1")


def test_two_tasks_that_report_our_prompt_are_never_chosen_between():
    doubt = replace(DOUBT, prompt="a cat")
    assert concluded(told("a cat", "a cat", doubt), LATE, doubt) == GiveUp(("t1", "t2"), ALIKE)


def test_a_reported_prompt_tells_nothing_to_a_doubt_without_its_own():
    assert concluded(told("a cat", None, DOUBT), LATE) == GiveUp(("t1", "t2"), ALIKE)


def test_only_ended_tasks_are_asked_for_their_prompts():
    rows = (row("t1", status=DONE), row("t2", status=RUNS))
    assert concluded(evidence(*rows), LATE) == Ask(("t1",))


def test_a_list_without_ours_teaches_no_key_of_ours():
    """An empty list counts only where it has shown a task of ours before."""
    seen = replace(evidence(), listing=Listing((replace(KNOWN, task_id="else"),), SETTLED))
    assert concluded(seen) == Wait()
