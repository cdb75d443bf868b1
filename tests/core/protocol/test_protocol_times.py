"""The protocol's constants, written a second time: the promise is proved for these and for no others.

Whoever changes one changes it here, too, and finds beside it what it must fit.
"""

import dataclasses

import pytest

from lib.adapters.dashscope import creates, listing
from lib.core import times
from lib.core.protocol import evidence, slots
from lib.core.upstream import outcomes
from lib.flows import context
from lib.flows.context import Times
from lib.flows.tasks import send

DAY_S = 86_400
TIMES = {
    "lease_s": 30,
    "margin_s": 60,
    "delay_s": 60,
    "skew_s": 10,
    "far_s": 300,
    "copy_lease_s": 120,
    "copy_at_most_s": 600,
    "give_up_s": DAY_S,
    "queue_deadline_s": DAY_S,
    "tick_budget_s": 50,
    "list_every_s": 5,
    "first_look_s": None,
    "relist_s": 10,
    "single_every_s": 15,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Times)])
def test_a_time_is_the_one_of_the_proof(name):
    assert getattr(Times(), name) == TIMES[name]


def test_the_window_is_made_of_them():
    assert dataclasses.astuple(Times().window) == (30, 60, 60, 10, 300)
    assert dataclasses.astuple(Times(1, 2, 3, 4, 5).window) == (1, 2, 3, 4, 5)
    assert evidence.SubmitWindow(30, 60, 60, 10).far_s == 300


def test_prompts_are_compared_as_far_as_the_upstream_keeps_them():
    sent = "x" * 799 + "a" + "y" * 100
    assert evidence.same_prompt(sent, sent[:800])
    assert not evidence.same_prompt(sent, "x" * 799 + "b")


def test_a_create_and_a_list_end_in_time():
    spans = Times()
    assert creates.CREATE_TOTAL_S == 20
    assert listing.LIST_AT_MOST_S == 20
    # Whoever is late by a whole create still arrives within the margin.
    assert creates.CREATE_TOTAL_S + spans.skew_s <= spans.lease_s
    assert spans.delay_s > listing.LIST_AT_MOST_S
    assert spans.margin_s >= send.BODY_AT_MOST_S
    assert spans.skew_s < spans.far_s


def test_an_account_is_asked_as_seldom_as_its_limits_say():
    assert context.SEND_EVERY_S == 1
    assert slots.RUNNING_AT_MOST == 2
    assert outcomes.TASK_AT_MOST_S == 3 * 3600
    assert listing.PAGE_SIZE * listing.PAGES_AT_MOST >= 5000


def test_a_record_lives_a_day():
    assert times.DAY_S == DAY_S
