"""The list of an account on the wire: whole pages, at a pace, within a time, or none."""

import re

import pytest

from lib.core.upstream.outcomes import Listing, QueryFailed
from tests.adapters.dashscope.test_creates_edges import Wire, answer
from tests.flows.tasks.stored import row
from tests.flows.tasks.test_clocks_edges import shown
from tests.world import START

HOUR_S = 3600.0


def paged(rows, number=1, *, total=None, takes_s=()):
    """A list of so many pages with one row each, or all on the first."""

    def made(wire, request):
        page = int(re.search(r"page_no=(\d+)", request.url)[1])
        wire.now += takes_s[page - 1] if takes_s else 0.0
        share = rows if number == 1 else rows[page - 1 : page]
        told = total[page - 1] if total else len(rows)
        return answer({"data": share, "total": told, "total_page": number})(wire, request)

    return Wire(made)


def rows_of(number):
    return [row(f"t{index}", START - 60) for index in range(number)]


def test_a_list_of_one_page_is_asked_for_once_and_waits_for_nothing():
    wire = paged(rows_of(2))
    found = wire.account().list()
    assert [one.task_id for one in found.rows] == ["t0", "t1"]
    assert (found.at, wire.slept, len(wire.asked)) == (START, [], 1)
    assert wire.asked[0].url.endswith("?page_no=1&page_size=50")


def test_pages_are_asked_for_at_a_pace_and_no_more_than_there_are():
    wire = paged(rows_of(3), 3)
    found = wire.account().list()
    assert [one.task_id for one in found.rows] == ["t0", "t1", "t2"]
    assert wire.slept == [0.125, 0.125]
    assert len(wire.asked) == 3


@pytest.mark.parametrize(("pages", "whole"), [(99, True), (100, True), (101, False)])
def test_a_list_has_a_hundred_pages_at_most(pages, whole):
    wire = paged(rows_of(pages), pages)
    assert isinstance(wire.account().list(), Listing) is whole
    assert len(wire.asked) == min(pages, 100)


@pytest.mark.parametrize(("second_s", "whole"), [(0.0, True), (9.875, True), (10.0, False)])
def test_a_list_that_takes_longer_than_twenty_seconds_is_none(second_s, whole):
    """Ten for the first page, an eighth between the two."""
    found = paged(rows_of(2), 2, takes_s=(10.0, second_s)).account().list()
    assert isinstance(found, Listing) is whole


@pytest.mark.parametrize(
    ("rows", "total", "whole"),
    [
        (rows_of(2), [2, 2], True),
        (rows_of(2), [3, 2], False),
        (rows_of(2), [2, 3], False),
        (rows_of(2), [3, 3], False),
        (rows_of(2), [1, 1], False),
        ([row("t0", START), row("t0", START)], [2, 2], False),
        ([row(None, START), row(None, START)], [2, 2], True),
        ([row("t0", START), row(None, START)], [2, 2], True),
    ],
)
def test_pages_that_do_not_fit_together_are_no_list(rows, total, whole):
    assert isinstance(paged(rows, 2, total=total).account().list(), Listing) is whole


def test_a_list_in_an_unknown_shape_or_none_is_no_list():
    assert isinstance(Wire(answer({"data": {}})).account().list(), QueryFailed)
    assert Wire(answer({"code": "C"}, 500)).account().list().message == "C"


@pytest.mark.parametrize("ahead_s", [0, 120, -120])
@pytest.mark.parametrize(
    ("off_s", "told"),
    [
        (-60.0, True),
        (-26 * HOUR_S, True),
        (-26 * HOUR_S - 1, False),
        (900.0, True),
        (901.0, False),
        (None, False),
    ],
)
def test_a_rows_times_are_by_our_clock_and_within_what_a_list_can_hold(ahead_s, off_s, told):
    one = row("t0", None if off_s is None else START + ahead_s + off_s)
    one["end_time"] = one["gmt_create"]
    account = paged([one]).account()
    shown(account.clock, START, ahead_s - (ahead_s < 0))
    (found,) = account.list().rows
    expected = START + off_s if told else None
    assert (found.created_at, found.ended_at) == (expected, expected)


def test_a_list_is_whole_or_not_at_all(world):
    for _ in range(3):
        world.post()
        world.clock.advance(70)
    upstream = world.context.upstreams["singapore"]
    assert len(upstream.list().rows) == len(world.paid())
    world.upstream.faults.add(operation="list", kind="status", status=500, times=1)
    assert isinstance(upstream.list(), QueryFailed)
