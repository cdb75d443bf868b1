"""What a row of the upstream's list may be, at the edges of the window and of what can be read."""

from dataclasses import replace

import pytest

from lib.core.protocol.evidence import (
    Claim,
    Evidence,
    ids_of,
    known_keys,
    odd_key,
    of_model,
    unclaimed,
)
from lib.core.upstream.outcomes import Listing
from tests.core.protocol.test_reconcile import DOUBT, FLASH, PLUS, SETTLED, WINDOW, row

NONE = Evidence(None, {}, {}, ())


@pytest.mark.parametrize(
    ("at", "holds", "near"),
    [
        (990.0, True, True),  # since - skew
        (989.999, False, True),
        (690.0, False, True),  # since - skew - far
        (689.999, False, False),
        (1100.0, True, True),  # until + margin + skew
        (1100.001, False, True),
        (1400.0, False, True),  # until + margin + skew + far
        (1400.001, False, False),
        (None, True, True),  # nobody knows when
    ],
)
def test_the_window_contains_both_its_ends(at, holds, near):
    found = row("t1", at=at)
    assert (WINDOW.holds(DOUBT, found), WINDOW.near(DOUBT, found)) == (holds, near)


def test_a_doubt_settles_and_is_given_up_at_the_sums_of_the_protocol():
    assert WINDOW.settled_at(DOUBT) == 1030.0 + 60 + 60 + 10  # until + M + D + skew
    assert WINDOW.given_up_at(DOUBT) == 1160.0 + 30 + 60 + 60  # and L + M + D more


def test_a_task_is_known_by_a_pending_object_or_by_a_claim():
    told = replace(NONE, recorded={"t1": ""}, claims={"t2": Claim("vid_b")})
    assert [told.knows(row(task)) for task in ("t1", "t2", "t3", None)] == [
        True,
        True,
        False,
        False,
    ]


def test_only_a_claim_that_says_so_disputes_a_task():
    told = replace(NONE, claims={"t1": Claim("disputed"), "t2": Claim("vid_b")})
    assert [told.disputes(row(task)) for task in ("t1", "t2", "t3", None)] == [True] + [False] * 3


def test_a_key_is_learnt_from_tasks_that_it_made_and_from_no_others():
    told = replace(
        NONE,
        recorded={"t1": "mine", "t2": "old"},
        claims={
            "t3": Claim("vid_b", "mine"),
            "t4": Claim("disputed", "mine"),
            "t5": Claim("vid_c", "old"),
        },
    )
    rows = [row(f"t{number}", key=f"k{number}") for number in range(7)]
    assert known_keys(rows, told, "mine") == {"k1", "k3"}
    assert known_keys(rows, told, "never") == frozenset()


def test_a_row_without_a_key_id_or_without_a_task_teaches_no_key():
    told = replace(NONE, recorded={"t1": ""})
    assert known_keys([row("t1", key=None)], told, "") == frozenset()
    assert known_keys([row(None, key="k9")], told, "") == frozenset()


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (row("t1"), ["t1"]),
        (row(None), []),  # nobody can say which
        (row("t1", key="k2"), []),
        (row("t1", key=None), []),
        (row("t2"), []),
        (row("t3"), []),
    ],
    ids=["ours", "without an id", "of another key", "without a key", "recorded", "claimed"],
)
def test_the_alarm_names_tasks_of_our_key_that_no_job_has(found, named):
    told = Evidence(
        Listing((found,), SETTLED), {"t2": ""}, {"t3": Claim("vid_b")}, (), frozenset({"k1"})
    )
    assert unclaimed(told, WINDOW) == named


@pytest.mark.parametrize(("at", "named"), [(690.0, []), (689.0, ["t1"]), (1401.0, ["t1"])])
def test_the_alarm_leaves_out_what_a_doubt_may_explain(at, named):
    listing = Listing((row("t1", at=at),), SETTLED)
    assert unclaimed(Evidence(listing, {}, {}, (DOUBT,), frozenset({"k1"})), WINDOW) == named


@pytest.mark.parametrize(
    ("model", "name", "can"),
    [
        (FLASH, FLASH, True),
        (FLASH, PLUS, False),
        (FLASH, None, True),
        (FLASH, "wan9", True),
        (PLUS, PLUS, True),
        (PLUS, "wanx2.1-kf2v-plus", True),  # the same model in another region
        ("wanx2.1-kf2v-plus", PLUS, True),
        (PLUS, FLASH, False),
        (None, "wan9", True),
    ],
)
def test_a_row_is_of_another_model_only_where_it_names_another_of_ours(model, name, can):
    assert of_model(replace(DOUBT, model=model), row("t1", model=name)) is can


@pytest.mark.parametrize(
    ("key", "known", "odd"),
    [
        (None, {"k1"}, True),
        (None, {"40000"}, True),
        ("k2", {"k1"}, False),
        ("0", {"k1"}, False),  # where ids are no numbers, none is odd
        ("40001", {"40000"}, False),
        ("k2", {"40000"}, True),
        ("00", {"40000"}, True),
        ("k2", {"40000", "k1"}, False),
    ],
)
def test_a_key_id_is_none_where_it_is_absent_or_of_another_form_than_the_known(key, known, odd):
    assert odd_key(row("t1", key=key), frozenset(known)) is odd


def test_rows_without_a_task_name_none():
    assert ids_of([row("t1"), row(None), row("t2")]) == ["t1", "t2"]
