"""Following running tasks, at the edges: when to look, who may ask, what a silent upstream changes."""

import dataclasses

import pytest

from lib.core.jobs.job import Stage, Status
from lib.flows.tasks.poll import first_look, hand_over, late, may_list, poll
from tests.flows.odd import events
from tests.flows.tasks.stored import ACCOUNT, Script, again, job, row, tick_state, verdict

GIVE_UP_S = 86_400.0


@pytest.fixture
def upstream(world):
    return Script(world)


def seen(world, upstream, *held, **options):
    """One look at these jobs' tasks; the tick's memory after it."""
    memory = tick_state(world, *held, **options)
    poll(memory.following(upstream.context()), ACCOUNT, memory)
    return memory


def listed(world, held, status="RUNNING"):
    return row(held.state.task_id, world.clock.now() - 100, status)


# When to look first


@pytest.mark.parametrize(
    ("stage", "fields", "fixed_s", "after_s"),
    [
        ("running", {"eta_s": 200.0}, None, 60.0),
        ("running", {"eta_s": 200.0}, 15.0, 15.0),
        ("running", {"eta_s": 200.0}, 0.0, 0.0),
    ],
)
def test_a_task_is_first_looked_at_when_it_can_have_ended(world, stage, fields, fixed_s, after_s):
    times = dataclasses.replace(world.context.times, first_look_s=fixed_s)
    context = dataclasses.replace(world.context, times=times)
    state = job(world, 1, stage, **fields).state
    assert first_look(context, state) == state.accepted_at + after_s


def test_a_copy_is_taken_over_later_than_its_holder_by_what_clocks_may_differ(world):
    state = job(world, 1, "copying", tries=1).state
    assert first_look(world.context, state) == state.until + 10


def test_a_copy_that_failed_is_looked_at_after_its_pause(world):
    state = job(world, 1, "running", tries=3).state
    assert first_look(world.context, state) == state.since + 8


@pytest.mark.parametrize(("early_s", "lists"), [(0.0, 1), (0.5, 0), (10.0, 0)])
def test_the_upstream_is_not_asked_before_a_task_can_have_ended(world, upstream, early_s, lists):
    held = job(world, 1, "running", eta_s=200.0, accepted_at=world.clock.now() - 60 + early_s)
    memory = seen(world, upstream, held)
    assert len(upstream.asked) == memory.done["lists"] + memory.done["gets"]
    assert memory.done["lists"] == lists


def test_a_task_in_another_region_is_not_asked_for(world, upstream):
    seen(world, upstream, job(world, 1, "running", region="beijing"))
    assert upstream.asked == []


def test_jobs_without_a_task_make_nobody_ask(world, upstream):
    memory = seen(world, upstream, job(world), job(world, 2, "unsure"))
    assert (upstream.asked, memory.poll_leases) == ([], {})


# Who may ask


def held_watch(world, **changes):
    found = world.context.ledger.poll_lease(ACCOUNT)
    return world.context.ledger.move_poll_lease(found, "another", **changes)


def test_whoever_watches_says_so_until_its_deadline_and_lists_every_five_seconds(world):
    memory, now = tick_state(world), world.clock.now()
    assert may_list(world.context, ACCOUNT, memory) is True
    assert world.context.ledger.poll_lease(ACCOUNT).until == memory.deadline
    assert memory.poll_leases[ACCOUNT].until == memory.deadline
    assert memory.listed == {ACCOUNT: now + 5}
    world.clock.advance(4.5)
    assert may_list(world.context, ACCOUNT, memory) is False
    world.clock.advance(0.5)
    assert may_list(world.context, ACCOUNT, memory) is True
    assert memory.listed == {ACCOUNT: now + 10}


@pytest.mark.parametrize(("left_s", "again_s"), [(0.5, 0.5), (10.0, 10.0), (40.0, 10.0)])
def test_while_another_watches_nobody_asks_and_everybody_looks_again(world, left_s, again_s):
    now = world.clock.now()
    held_watch(world, until=now + left_s)
    memory = tick_state(world)
    assert may_list(world.context, ACCOUNT, memory) is False
    assert (memory.poll_leases, memory.listed) == ({}, {ACCOUNT: now + again_s})


def test_a_watch_that_has_just_ended_is_free(world):
    held_watch(world, until=world.clock.now())
    assert may_list(world.context, ACCOUNT, tick_state(world)) is True


def test_whoever_loses_the_race_for_the_watch_does_not_ask(world, upstream):
    held_watch(world, until=world.clock.now())
    rivals = []

    def storage(request, send):
        if request.method == "PATCH" and not rivals:
            rivals.append(held_watch(world, until=world.clock.now() + 20))
        return send(request)

    memory = tick_state(world)
    assert may_list(upstream.context(storage), ACCOUNT, memory) is False
    assert (memory.poll_leases, memory.listed) == ({}, {ACCOUNT: world.clock.now() + 5})


@pytest.mark.parametrize(
    ("next_s", "may"), [(-1, True), (0, True), (3, False), (5, False), (6, True)]
)
def test_a_list_that_another_made_just_now_counts(world, next_s, may):
    """What lies further ahead than a list's pause was written by nobody who listed."""
    now = world.clock.now()
    held_watch(world, until=0.0, next_list=now + next_s)
    memory = tick_state(world)
    assert may_list(world.context, ACCOUNT, memory) is may
    assert memory.listed == {ACCOUNT: now + (5 if may else next_s)}
    assert ACCOUNT in memory.poll_leases


def test_who_does_not_watch_asks_nothing(world, upstream):
    held_watch(world, until=world.clock.now() + 40)
    seen(world, upstream, job(world, 1, "running"))
    assert upstream.asked == []


def watch_card(world):
    return world.bucket.get_blob(f"gates/{ACCOUNT}.watch").metadata


@pytest.mark.parametrize("left_s", [50.0, 10.0, 0.5])
def test_a_watch_is_given_back_with_the_time_of_the_next_list(world, left_s):
    memory = tick_state(world, left_s=left_s)
    may_list(world.context, ACCOUNT, memory)
    hand_over(world.context, memory)
    assert float(watch_card(world)["until"]) == 0.0
    assert float(watch_card(world)["next_list"]) == world.clock.now() + 5


@pytest.mark.parametrize("left_s", [20.0, 0.0])
def test_a_watch_that_has_ended_by_itself_is_left_as_it_is(world, left_s):
    memory = tick_state(world, left_s=left_s)
    may_list(world.context, ACCOUNT, memory)
    before = watch_card(world)
    world.clock.advance(max(left_s, 5.0))
    hand_over(world.context, memory)
    assert watch_card(world) == before


# What the list says


def test_a_task_that_lives_by_the_list_is_not_asked_for(world, upstream):
    held = job(world, 1, "running")
    upstream.rows = [listed(world, held)]
    memory = seen(world, upstream, held)
    assert memory.done == {"lists": 1}
    assert (memory.looks, memory.ended) == ({}, set())


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELED"])
def test_a_task_that_ended_holds_no_place_even_before_its_job_is_due(world, upstream, status):
    due = job(world, 1, "running")
    young = job(world, 2, "running", accepted_at=world.clock.now())
    living = job(world, 3, "running")
    unlisted = job(world, 4, "running", accepted_at=world.clock.now())
    upstream.rows = [listed(world, due), listed(world, young, status), listed(world, living)]
    memory = seen(world, upstream, due, young, living, unlisted)
    assert memory.ended == {young.name}
    assert memory.done == {"lists": 1}


@pytest.mark.parametrize("rows", [["listed"], []], ids=["its row says so", "no row"])
def test_a_list_that_came_is_looked_over_for_tasks_of_nobody(world, upstream, rows, capsys):
    held = job(world, 1, "running")
    upstream.rows = [listed(world, held), row("stray", world.clock.now() - 5000)]
    seen(world, upstream, held)
    assert [one["task"] for one in events(capsys.readouterr().out, "upstream.late_task")] == [
        "stray"
    ]


@pytest.mark.parametrize(
    ("row_of", "every_s"), [("SUCCEEDED", 15), (None, 30), ("failed list", 15)]
)
def test_how_soon_a_task_is_asked_for_again_depends_on_what_its_list_said(
    world, upstream, row_of, every_s
):
    held, now = job(world, 1, "running"), world.clock.now()
    if row_of == "SUCCEEDED":
        upstream.rows = [listed(world, held, row_of)]
    elif row_of:
        upstream.statuses["list"] = 500
    upstream.tasks["task-1"] = {"task_status": "RUNNING"}
    memory = seen(world, upstream, held)
    assert memory.looks == {held.name: now + every_s}
    assert memory.done == {"lists": 1, "gets": 1}


def test_a_query_is_made_when_its_time_has_come_and_not_before(world, upstream):
    held, memory = job(world, 1, "running"), None
    upstream.tasks["task-1"] = {"task_status": "RUNNING"}
    for in_s, gets in ((10.0, 0), (0.5, 0), (0.0, 1)):
        memory = tick_state(world, held)
        memory.looks[held.name] = world.clock.now() + in_s
        memory.poll_leases[ACCOUNT] = None
        poll(upstream.context(), ACCOUNT, memory)
        assert memory.done["gets"] == gets


@pytest.mark.parametrize(
    ("thorough", "age_s", "gets"), [(True, 500, 1), (False, 500, 0), (True, 400, 0)]
)
def test_a_list_that_calls_a_late_task_alive_is_doubted_by_ticks_alone(
    world, upstream, thorough, age_s, gets
):
    held = job(world, 1, "running", eta_s=200.0, accepted_at=world.clock.now() - age_s)
    upstream.rows, now = [listed(world, held)], world.clock.now()
    upstream.tasks["task-1"] = {"task_status": "RUNNING"}
    memory = seen(world, upstream, held, thorough=thorough)
    assert memory.done["gets"] == gets
    assert memory.looks == ({held.name: now + 60} if gets else {})
    assert late(held.state, now) is (age_s > 400)


def test_single_queries_keep_their_distance(world, upstream):
    two = [job(world, number, "running") for number in (1, 2)]
    upstream.tasks = {f"task-{number}": {"task_status": "RUNNING"} for number in (1, 2)}
    seen(world, upstream, *two)
    (began,), (first, second) = upstream.times("list"), upstream.times("get")
    assert first - began >= 0.125
    assert second - first >= 0.125


@pytest.mark.parametrize(("left_s", "gets"), [(10.0, 1), (0.0, 0)])
def test_tasks_are_asked_for_until_the_deadline_and_not_at_it(world, upstream, left_s, gets):
    memory = seen(world, upstream, job(world, 1, "running"), left_s=left_s)
    assert (memory.done["gets"], memory.cut) == (gets, not gets)


def test_of_a_job_that_is_gone_or_cannot_be_read_nothing_is_asked(world, upstream):
    gone, spoilt = job(world, 1, "running"), job(world, 2, "running", body=b"{")
    world.bucket.blob(gone.name).delete()
    memory = seen(world, upstream, gone, spoilt)
    assert upstream.times("get") == []
    assert list(memory.aside) == [spoilt.name]


# A list that failed


def test_a_list_that_failed_is_followed_by_single_queries_and_a_longer_pause(world, upstream):
    upstream.statuses["list"] = 500
    held = job(world, 1, "running")
    memory = tick_state(world, held, left_s=1000.0)
    for pause_s in (10, 20, 40, 80, 80):
        memory.looks.clear()
        poll(upstream.context(), ACCOUNT, memory)
        assert memory.listed[ACCOUNT] - upstream.times("list")[-1] == pause_s
        world.clock.advance(pause_s)
    assert memory.done["gets"] == 5
    upstream.statuses.clear()
    upstream.rows = [listed(world, held)]
    poll(upstream.context(), ACCOUNT, memory)
    assert memory.fails == {}


def test_an_account_that_is_limited_is_not_asked_for_single_tasks(world, upstream):
    upstream.statuses["list"] = 429
    memory = seen(world, upstream, job(world, 1, "running"))
    assert memory.done == {"lists": 1}
    assert [kind for kind, _ in upstream.asked] == ["list"]


# What a query says


def test_a_query_that_failed_lets_the_owner_see_why_once(world, upstream):
    held = job(world, 1, "running")
    upstream.statuses["get"] = 500
    memory = seen(world, upstream, held)
    told = again(world, held)
    assert told.state.reason == "upstream_unavailable"
    assert (told.state.since, told.state.task_id) == (held.state.since, "task-1")
    assert memory.jobs == {held.name: told}
    assert memory.done == {"lists": 1, "gets": 1, "query_failed": 1}
    world.clock.advance(60)
    seen(world, upstream, told)
    assert again(world, held).meta == told.meta, "written when it changes, not at every look"


def test_a_query_that_was_too_fast_is_the_owners_business_no_more_than_ours(world, upstream):
    held = job(world, 1, "running")
    upstream.statuses["get"] = 429
    memory = seen(world, upstream, held)
    assert again(world, held) == held
    assert memory.done["query_failed"] == 1


@pytest.mark.parametrize(("asked_s", "pause_s"), [(40, 40), (9999, 300)])
def test_a_pause_that_a_query_was_told_is_kept(world, upstream, asked_s, pause_s):
    held = job(world, 1, "running")
    upstream.statuses["get"], upstream.retry_after_s = 429, asked_s
    memory = seen(world, upstream, held)
    assert memory.looks[held.name] == world.clock.now() + pause_s


@pytest.mark.parametrize("how", ["row", "query"])
def test_when_the_upstream_answers_again_nothing_is_wrong_any_more(world, upstream, how):
    held = job(world, 1, "running", reason="upstream_unavailable")
    if how == "row":
        upstream.rows = [listed(world, held)]
    upstream.tasks["task-1"] = {"task_status": "RUNNING"}
    seen(world, upstream, held)
    assert again(world, held).state.reason == ""


@pytest.mark.parametrize(("early_s", "status"), [(10.0, None), (0.0, None), (-1.0, "expired")])
def test_a_task_that_nobody_knows_is_given_up_after_its_day_and_not_before(
    world, upstream, early_s, status
):
    accepted_at = world.clock.now() - GIVE_UP_S + early_s + 0.125  # the gap before the query
    held = job(world, 1, "running", accepted_at=accepted_at, since=accepted_at)
    memory = seen(world, upstream, held)
    ending = verdict(world, held)
    assert (ending and str(ending.status)) == status
    assert memory.done["expired"] == int(bool(status))


def test_a_failure_ends_the_job_and_its_place(world, upstream):
    held = job(world, 1, "running")
    upstream.tasks["task-1"] = {"task_status": "FAILED", "code": "InternalError"}
    memory = seen(world, upstream, held)
    assert verdict(world, held).status is Status.FAILED
    assert memory.ended == {held.name}
    assert memory.done == {"lists": 1, "gets": 1, "failed": 1}


def test_a_task_that_was_cancelled_upstream_ends_so(world, upstream):
    held = job(world, 1, "running")
    upstream.tasks["task-1"] = {"task_status": "CANCELED"}
    memory = seen(world, upstream, held)
    assert memory.done == {"lists": 1, "gets": 1, "cancelled": 1}
    assert verdict(world, held).status is Status.CANCELLED


def test_a_task_that_a_query_calls_alive_keeps_its_place(world, upstream):
    held = job(world, 1, "running")
    upstream.rows = []
    upstream.tasks["task-1"] = {"task_status": "RUNNING"}
    memory = seen(world, upstream, held)
    assert memory.ended == set()
    assert again(world, held).state.stage is Stage.RUNNING


def test_a_failed_task_whose_job_is_gone_meanwhile_gets_no_verdict(world, upstream):
    held = job(world, 1, "running")
    upstream.tasks["task-1"] = {"task_status": "FAILED", "code": "InternalError"}
    upstream.before = lambda kind: kind == "get" and world.bucket.blob(held.name).delete()
    memory = seen(world, upstream, held)
    assert verdict(world, held) is None
    assert "errors" not in memory.done


def test_two_overlapping_ticks_share_one_watch(make_world):
    world = make_world(draw=lambda: (1.0, 5000.0))
    world.post()
    world.clock.advance(100)
    held = world.context.ledger.poll_lease("singapore")
    now = world.clock.now()
    assert world.context.ledger.move_poll_lease(held, "0" * 16, until=now + 40)
    before = world.upstream.counts["list"]
    world.tick()
    # The other's turn lasts 40 of this tick's 50 seconds.
    assert world.upstream.counts["list"] - before <= 3


def test_a_revoked_key_is_shown_as_the_reason_and_passes(make_world):
    world = make_world(draw=lambda: (1.0, 200.0))
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="list", kind="key", times=99)
    world.upstream.faults.add(operation="get", kind="key", times=99)
    world.clock.advance(100)
    world.tick()
    assert world.job(job_id)["waiting_for"] == "upstream_auth"
    world.upstream.faults.clear()
    world.run(ticks=40)
    assert world.job(job_id)["status"] == "completed"
