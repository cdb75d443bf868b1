"""What a flow works with, by default: calls one after the other, and the times that the proof is for."""

from dataclasses import replace

import pytest

from lib.flows.context import Times, in_turn


def test_calls_are_made_in_their_order_and_a_fault_stops_them():
    made = []
    assert in_turn([lambda: made.append(1) or "a", lambda: made.append(2) or "b"]) == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        in_turn([lambda: made.append(3), lambda: 1 / 0, lambda: made.append(4)])
    assert made == [1, 2, 3]


def test_the_window_of_a_submit_is_made_of_the_times_of_the_same_names():
    times = Times(lease_s=1, margin_s=2, delay_s=3, skew_s=4, far_s=5)
    window = times.window
    assert [window.lease_s, window.margin_s, window.delay_s, window.skew_s, window.far_s] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert replace(times, lease_s=9).window != window


def test_two_contexts_share_nothing_that_they_remember(world):
    one, other = world.context, world.instance().context
    one.answered.put("vid", value=True, until=1e12)
    assert other.answered.get("vid", 0.0) is None
    assert one.body_memory is not other.body_memory
