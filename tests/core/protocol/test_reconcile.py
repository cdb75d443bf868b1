"""Every rule of reconciling guards money: each test names the one it leans on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.protocol.evidence import (
    Claim,
    Doubt,
    Evidence,
    SubmitWindow,
    same_prompt,
    unclaimed,
)
from lib.core.protocol.reconcile import (
    ALIKE,
    DISPUTED_ROW,
    FAR_ROW,
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
from lib.core.upstream.outcomes import TASK_AT_MOST_S, Listing, Row, TaskStatus

FLASH, PLUS = "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"
WINDOW = SubmitWindow(lease_s=30, margin_s=60, delay_s=60, skew_s=10)
DOUBT = Doubt("vid_a", FLASH, since=1000.0, until=1030.0)
SETTLED = 1030.0 + 120.0 + 10.0 + 1
LATE = SETTLED + 150.0 + 1


def row(task, *, at=1010.0, key="k1", model=FLASH, status=TaskStatus.RUNNING):
    return Row(task, status, model, key, at)


KNOWN = row("known", at=500.0)


def evidence(*rows, at=SETTLED, claims=(), recorded=("known",), doubts=(DOUBT,), whole=True):
    listing = Listing((*rows, KNOWN), at) if whole else None
    said = {task: Claim(job) for task, job in {"known": "vid_known", **dict(claims)}.items()}
    return Evidence(listing, dict.fromkeys(recorded, ""), said, doubts)


def test_no_task_in_the_window_means_send_again():
    assert conclude(DOUBT, evidence(), WINDOW, SETTLED) == SendAgain()


def test_exactly_one_free_task_is_adopted():
    assert conclude(DOUBT, evidence(row("t1")), WINDOW, SETTLED) == Adopt("t1")


def test_nothing_is_concluded_before_the_list_can_show_everything():
    early = evidence(at=1030.0 + 120.0 + 10.0)
    assert conclude(DOUBT, early, WINDOW, LATE) == Wait()


def test_a_claim_that_names_us_is_adopted_at_once_even_without_a_list():
    seen = evidence(whole=False, claims={"t9": "vid_a"})
    assert conclude(DOUBT, seen, WINDOW, 1001.0) == Adopt("t9")


def test_an_incomplete_list_is_no_list():
    assert conclude(DOUBT, evidence(whole=False), WINDOW, LATE) == Wait()
    day = 1030.0 + 24 * 3600 + 1
    assert conclude(DOUBT, evidence(whole=False), WINDOW, day) == GiveUp((), NO_LIST)


def test_an_empty_list_proves_nothing_before_the_account_has_shown_a_known_task():
    seen = Evidence(Listing((), SETTLED), {}, {}, (DOUBT,))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), NO_KEY)


def test_somebody_elses_key_is_never_adopted():
    assert conclude(DOUBT, evidence(row("t1", key="k2")), WINDOW, SETTLED) == SendAgain()


def test_nothing_is_known_of_a_key_from_the_rows_of_another():
    """After a change of keys: the list has shown the old one only."""
    young = replace(DOUBT, key="young")
    seen = evidence(row("t1", key="k2"), doubts=(young,))
    assert conclude(young, seen, WINDOW, SETTLED) == Wait()
    assert conclude(young, seen, WINDOW, LATE) == GiveUp(("t1",), NO_KEY)
    nothing = replace(seen, listing=Listing((KNOWN,), SETTLED))
    assert conclude(young, nothing, WINDOW, SETTLED) == SendAgain()
    told = {**nothing.claims, "t1": Claim("disputed")}
    argued = replace(nothing, listing=Listing((row("t1"), KNOWN), SETTLED), claims=told)
    assert conclude(young, argued, WINDOW, SETTLED) == Wait()
    told = {**seen.claims, "t0": Claim("vid_b", "young")}
    rows = (row("t0", at=500.0, key="k2"), row("t1", key="k2"), KNOWN)
    seen = replace(seen, claims=told, listing=Listing(rows, SETTLED))
    assert conclude(young, seen, WINDOW, SETTLED) == Adopt("t1")


def test_another_model_is_never_adopted():
    assert conclude(DOUBT, evidence(row("t1", model=PLUS)), WINDOW, SETTLED) == SendAgain()


def test_a_recorded_task_is_not_a_candidate():
    seen = evidence(row("t1"), recorded=("known", "t1"))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == SendAgain()


def test_a_task_claimed_for_another_job_is_not_a_candidate():
    seen = evidence(row("t1"), claims={"t1": "vid_b"})
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == SendAgain()


def test_a_disputed_task_forbids_both_adopting_and_sending_again():
    seen = evidence(row("t1"), row("t2"), claims={"t1": "disputed"})
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp(("t2",), DISPUTED_ROW)


def test_two_candidates_are_never_chosen_between():
    seen = evidence(row("t1"), row("t2"))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    never = replace(seen, listing=replace(seen.listing, at=1030.0 + TASK_AT_MOST_S + 1))
    assert conclude(DOUBT, never, WINDOW, 1030.0 + TASK_AT_MOST_S + 9) == GiveUp(
        ("t1", "t2"), ALIKE
    )


def test_a_task_that_another_doubt_could_have_made_is_not_ours():
    other = replace(DOUBT, id="vid_b", since=1005.0, until=1035.0)
    seen = evidence(row("t1"), doubts=(DOUBT, other))
    assert conclude(DOUBT, seen, WINDOW, SETTLED + 5) == Wait()
    long = 1035.0 + TASK_AT_MOST_S + 1
    assert conclude(
        other, replace(seen, listing=Listing((row("t1"), KNOWN), long)), WINDOW, long + 9
    ) == GiveUp(("t1",), ALIKE)


def test_another_model_in_doubt_does_not_contest():
    other = replace(DOUBT, id="vid_b", model=PLUS)
    assert conclude(DOUBT, evidence(row("t1"), doubts=(DOUBT, other)), WINDOW, SETTLED) == Adopt(
        "t1"
    )


@given(st.floats(-700, 700))
def test_the_window_is_the_lease_with_margin_and_skew_on_both_sides(offset):
    at = 1000.0 + offset
    inside = 990.0 <= at <= 1030.0 + 60.0 + 10.0
    near = 690.0 <= at <= 1030.0 + 60.0 + 10.0 + 300.0
    expected = Adopt("t1") if inside else Wait() if near else SendAgain()
    assert conclude(DOUBT, evidence(row("t1", at=at)), WINDOW, SETTLED) == expected


# Rows that cannot be read, wholly or in part

UNREADABLE = [
    {"api_key_id": None},
    {"model": None},
    {"status": None},
    {"created_at": None},
    {"task_id": None},
    dict.fromkeys(("api_key_id", "model", "status", "created_at", "task_id")),
]


@pytest.mark.parametrize("fields", UNREADABLE, ids="+".join)
def test_a_row_that_cannot_be_read_forbids_sending_again(fields):
    seen = evidence(replace(row("t1"), **fields))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), ODD_ROW)


def test_an_odd_row_that_is_certainly_not_ours_changes_nothing():
    for fields in (
        {"status": None, "model": PLUS},
        {"status": None, "api_key_id": "k2"},
        {"status": None, "created_at": 500.0},
        {"model": None, "task_id": "known"},
    ):
        seen = evidence(*([] if fields.get("task_id") else [replace(row("t1"), **fields)]))
        assert conclude(DOUBT, seen, WINDOW, SETTLED) == SendAgain()


@pytest.mark.parametrize(
    "name", ["WAN2.2-KF2V-FLASH", " wan2.2-kf2v-flash", "wanx2.2-kf2v-flash", "null"]
)
def test_a_model_that_nobody_knows_may_be_ours_under_another_name(name):
    seen = evidence(row("t1", model=name))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), ODD_ROW)


def test_a_model_of_two_names_is_one_model():
    plus = replace(DOUBT, model="wan2.1-kf2v-plus")
    seen = evidence(row("t1", model="wanx2.1-kf2v-plus"), doubts=(plus,))
    assert conclude(plus, seen, WINDOW, SETTLED) == Wait()


@pytest.mark.parametrize("name", ["40000 ", "***", "0", "00", "-", "null"])
def test_a_key_of_another_form_than_ours_is_none(name):
    seen = Evidence(
        Listing((row("t1", key=name),), SETTLED), {}, {}, (DOUBT,), frozenset({"40000"})
    )
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), ODD_ROW)
    foreign = replace(seen, listing=Listing((row("t1", key="40001"),), SETTLED))
    assert conclude(DOUBT, foreign, WINDOW, SETTLED) == SendAgain()


def test_a_task_of_ours_beside_the_window_forbids_sending_again():
    """The upstream's clock may be wrong by more than anybody measured."""
    seen = evidence(row("t1", at=1250.0))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), FAR_ROW)


def test_a_dispute_beside_the_window_forbids_sending_again():
    """Before the upstream's clock is measured, a row may stand a hundred seconds from where it belongs."""
    seen = evidence(row("t1", at=900.0), claims={"t1": "disputed"})
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp((), DISPUTED_ROW)


# What the upstream kept on earlier days, and what it says of ended tasks


def test_a_key_that_an_earlier_day_has_shown_is_known():
    cold = Evidence(Listing((row("t1"),), SETTLED), {}, {}, (DOUBT,), key_ids=frozenset({"k1"}))
    assert conclude(DOUBT, cold, WINDOW, SETTLED) == Adopt("t1")
    empty = replace(cold, listing=Listing((), SETTLED))
    assert conclude(DOUBT, empty, WINDOW, SETTLED) == SendAgain()


def two_doubts(*prompts, **rows):
    first = replace(DOUBT, prompt=prompts[0])
    second = replace(DOUBT, id="vid_b", since=1005.0, until=1035.0, prompt=prompts[1])
    found = [row(task, status=status) for task, status in rows.items()]
    return first, second, evidence(*found, at=SETTLED + 5, doubts=(first, second))


DONE, RUNS, FAILED = TaskStatus.SUCCEEDED, TaskStatus.RUNNING, TaskStatus.FAILED


def test_two_doubts_are_told_apart_by_what_their_tasks_were_made_with():
    first, second, seen = two_doubts("a  cat\n", "a dog", t1=DONE, t2=DONE)
    assert conclude(first, seen, WINDOW, LATE) == Ask(("t1", "t2"))
    seen = replace(seen, prompts={"t1": "a dog", "t2": "a cat"})
    assert conclude(first, seen, WINDOW, LATE) == Adopt("t2")
    assert conclude(second, seen, WINDOW, LATE) == Adopt("t1")


def test_one_task_of_two_doubts_goes_to_its_own_and_the_other_is_sent_again():
    first, second, seen = two_doubts("a cat", "a dog", t1=DONE)
    seen = replace(seen, prompts={"t1": "a dog"})
    assert conclude(first, seen, WINDOW, LATE) == SendAgain()
    assert conclude(second, seen, WINDOW, LATE) == Adopt("t1")


def test_a_running_task_is_waited_for_since_it_will_tell():
    first, _, seen = two_doubts("a cat", "a dog", t1=RUNS, t2=DONE)
    seen = replace(seen, prompts={"t2": "a dog"})
    assert conclude(first, seen, WINDOW, LATE) == Wait()
    assert conclude(first, replace(seen, prompts={}), WINDOW, LATE) == Ask(("t2",))


def test_equal_prompts_cannot_be_told_apart():
    first, second, seen = two_doubts("a cat", " a cat ", t1=DONE)
    seen = replace(seen, prompts={"t1": "a cat"})
    for doubt in (first, second):
        assert conclude(doubt, seen, WINDOW, SETTLED + 5) == Wait()
        assert conclude(doubt, seen, WINDOW, LATE + 9) == GiveUp(("t1",), ALIKE)


def test_a_failed_task_tells_nothing():
    first, _, seen = two_doubts("a cat", "a dog", t1=FAILED)
    assert conclude(first, seen, WINDOW, SETTLED + 5) == Ask(("t1",))
    seen = replace(seen, prompts={"t1": None})
    assert conclude(first, seen, WINDOW, SETTLED + 5) == Wait()
    assert conclude(first, seen, WINDOW, LATE) == GiveUp(("t1",), ALIKE)


def test_a_doubt_whose_prompt_is_unknown_contests_everything():
    first, second, seen = two_doubts("a cat", None, t1=DONE)
    seen = replace(seen, prompts={"t1": "a cat"})
    assert conclude(first, seen, WINDOW, SETTLED + 5) == Wait()
    unread = replace(second, model=None, since=float("-inf"), until=float("inf"))
    seen = replace(seen, doubts=(first, unread))
    assert conclude(first, seen, WINDOW, SETTLED + 5) == Wait()


def test_white_space_is_the_upstreams_to_change():
    assert same_prompt(" a\tcat\n\nlooks up ", "a cat looks up")
    assert not same_prompt("a cat", "acat")
    assert same_prompt("x" * 900, "x" * 800)
    assert not same_prompt("x" * 799 + "a", "x" * 799 + "b")
    assert same_prompt("x" * 800 + "a", "x" * 800 + "b")


def test_a_task_that_nobody_claims_is_noticed():
    seen = evidence(row("late", at=1200.0), doubts=(), claims={"t2": "vid_b"})
    seen = replace(seen, key_ids=frozenset({"k1"}))
    assert unclaimed(seen, WINDOW) == ["late"]
    assert unclaimed(replace(seen, key_ids=frozenset()), WINDOW) == []
    assert unclaimed(replace(seen, doubts=(DOUBT,)), WINDOW) == []
    assert unclaimed(replace(seen, claims={**seen.claims, "late": Claim("disputed")}), WINDOW) == []
    assert unclaimed(replace(seen, listing=None), WINDOW) == []


rows = st.lists(
    st.builds(
        row,
        st.sampled_from([f"t{i}" for i in range(6)]),
        at=st.floats(900, 1200),
        key=st.sampled_from(["k1", "k2"]),
        model=st.sampled_from([FLASH, PLUS]),
    ),
    max_size=6,
    unique_by=lambda r: r.task_id,
)
claims = st.dictionaries(
    st.sampled_from([f"t{i}" for i in range(6)]), st.sampled_from(["vid_b", "disputed"])
)


@given(rows, claims, st.floats(1000, 2000))
def test_never_adopts_what_is_foreign_and_never_sends_around_a_possible_task(found, claimed, now):
    seen = evidence(*found, at=now, claims=claimed)
    conclusion = conclude(DOUBT, seen, WINDOW, now)
    # A row that one of our jobs has claimed teaches us its key.
    keys = {"k1"} | {r.api_key_id for r in found if claimed.get(r.task_id) == "vid_b"}
    possible = [
        r
        for r in found
        if r.model == FLASH
        and r.api_key_id in keys
        and WINDOW.holds(DOUBT, r)
        and r.task_id not in claimed
    ]
    if isinstance(conclusion, Adopt):
        assert [r.task_id for r in possible] == [conclusion.task_id]
    if isinstance(conclusion, SendAgain):
        assert possible == []
        assert now > WINDOW.settled_at(DOUBT)
