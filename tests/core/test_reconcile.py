"""Every rule of reconciling guards money: each test names the one it leans on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lib.core.reconcile import (
    Adopt,
    Claim,
    Doubt,
    Evidence,
    GiveUp,
    SendAgain,
    Wait,
    Window,
    conclude,
)
from lib.core.upstream import Listing, Row, TaskStatus

WINDOW = Window(lease_s=30, margin_s=60, delay_s=60, skew_s=10)
DOUBT = Doubt("vid_a", "flash", since=1000.0, until=1030.0)
SETTLED = 1030.0 + 120.0 + 1
LATE = SETTLED + 150.0 + 1


def row(task, *, at=1010.0, key="k1", model="flash"):
    return Row(task, TaskStatus.RUNNING, model, key, at)


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
    early = evidence(at=1030.0 + 120.0)
    assert conclude(DOUBT, early, WINDOW, LATE) == Wait()


def test_a_claim_that_names_us_is_adopted_at_once_even_without_a_list():
    seen = evidence(whole=False, claims={"t9": "vid_a"})
    assert conclude(DOUBT, seen, WINDOW, 1001.0) == Adopt("t9")


def test_an_incomplete_list_is_no_list():
    assert conclude(DOUBT, evidence(whole=False), WINDOW, LATE) == Wait()


def test_an_empty_list_proves_nothing_before_the_account_has_shown_a_known_task():
    seen = Evidence(Listing((), SETTLED), {}, {}, (DOUBT,))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp(())


def test_somebody_elses_key_is_never_adopted():
    assert conclude(DOUBT, evidence(row("t1", key="k2")), WINDOW, SETTLED) == SendAgain()


def test_nothing_is_known_of_a_key_from_the_rows_of_another():
    """After a change of keys: the list has shown the old one only."""
    young = replace(DOUBT, key="young")
    seen = evidence(row("t1", key="k2"), doubts=(young,))
    assert conclude(young, seen, WINDOW, SETTLED) == Wait()
    assert conclude(young, seen, WINDOW, LATE) == GiveUp(("t1",))
    told = {**seen.claims, "t0": Claim("vid_b", "young")}
    rows = (row("t0", at=500.0, key="k2"), row("t1", key="k2"), KNOWN)
    seen = replace(seen, claims=told, listing=Listing(rows, SETTLED))
    assert conclude(young, seen, WINDOW, SETTLED) == Adopt("t1")


def test_another_model_is_never_adopted():
    assert conclude(DOUBT, evidence(row("t1", model="plus")), WINDOW, SETTLED) == SendAgain()


def test_a_recorded_task_is_not_a_candidate():
    seen = evidence(row("t1"), recorded=("known", "t1"))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == SendAgain()


def test_a_task_claimed_for_another_job_is_not_a_candidate():
    seen = evidence(row("t1"), claims={"t1": "vid_b"})
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == SendAgain()


def test_a_disputed_task_forbids_both_adopting_and_sending_again():
    seen = evidence(row("t1"), row("t2"), claims={"t1": "disputed"})
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp(("t2",))


def test_two_candidates_are_never_chosen_between():
    seen = evidence(row("t1"), row("t2"))
    assert conclude(DOUBT, seen, WINDOW, SETTLED) == Wait()
    assert conclude(DOUBT, seen, WINDOW, LATE) == GiveUp(("t1", "t2"))


def test_a_task_that_another_doubt_could_have_made_is_not_ours():
    other = replace(DOUBT, id="vid_b", since=1005.0, until=1035.0)
    seen = evidence(row("t1"), doubts=(DOUBT, other))
    assert conclude(DOUBT, seen, WINDOW, SETTLED + 5) == Wait()
    assert conclude(
        other, replace(seen, listing=Listing((row("t1"), KNOWN), LATE)), WINDOW, LATE + 9
    ) == GiveUp(("t1",))


def test_another_model_in_doubt_does_not_contest():
    other = replace(DOUBT, id="vid_b", model="plus")
    assert conclude(DOUBT, evidence(row("t1"), doubts=(DOUBT, other)), WINDOW, SETTLED) == Adopt(
        "t1"
    )


@given(st.floats(-400, 400))
def test_the_window_is_the_lease_with_margin_and_skew_on_both_sides(offset):
    at = 1000.0 + offset
    inside = 990.0 <= at <= 1030.0 + 60.0 + 10.0
    expected = Adopt("t1") if inside else SendAgain()
    assert conclude(DOUBT, evidence(row("t1", at=at)), WINDOW, SETTLED) == expected


rows = st.lists(
    st.builds(
        row,
        st.sampled_from([f"t{i}" for i in range(6)]),
        at=st.floats(900, 1200),
        key=st.sampled_from(["k1", "k2"]),
        model=st.sampled_from(["flash", "plus"]),
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
        if r.model == "flash"
        and r.api_key_id in keys
        and WINDOW.holds(DOUBT, r)
        and r.task_id not in claimed
    ]
    if isinstance(conclusion, Adopt):
        assert [r.task_id for r in possible] == [conclusion.task_id]
    if isinstance(conclusion, SendAgain):
        assert possible == []
        assert now > WINDOW.settled_at(DOUBT)
