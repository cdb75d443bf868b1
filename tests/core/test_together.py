"""Calls in turn: results in the order of the calls, and the first failure ends it."""

import pytest

from lib.core.together import in_turn


def test_results_come_in_the_order_of_the_calls():
    made = []
    assert in_turn([lambda: made.append("first") or 1, lambda: made.append("second") or 2]) == [
        1,
        2,
    ]
    assert made == ["first", "second"]


def test_a_failure_is_raised_and_nothing_after_it_is_called():
    made = []
    with pytest.raises(ZeroDivisionError):
        in_turn([lambda: 1 // 0, lambda: made.append("late")])
    assert made == []


def test_no_calls_give_no_results():
    assert in_turn([]) == []
