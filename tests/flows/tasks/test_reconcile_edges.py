"""Settling a lost answer, at its edges: what is asked, what is written, who is left alone."""

import pytest

from lib.core.jobs.job import Stage
from lib.core.protocol.evidence import DISPUTED
from lib.flows.tasks.reconcile import give_up_doubt, reconcile
from tests.flows.odd import pending
from tests.flows.tasks.stored import ACCOUNT, Script, again, job, row, tick_state, verdict
from tests.flows.tasks.test_clocks_edges import shown

PROMPT = "rain"  # of every job that lies in the bucket


@pytest.fixture
def doubt(world):
    """A job whose create was lost long enough ago for a list to settle it."""
    return job(world, 1, "unsure", tries=2, reason="upstream_unavailable")


@pytest.fixture
def known(world):
    """A row of a task of ours, made by the key in use, so that the list's name of it is known."""
    job(world, 9, "running")
    return row("task-9", world.clock.now() - 4000)


def inside(world, task, status="RUNNING"):
    """A row that can be the doubt's."""
    return row(task, world.clock.now() - 390, status)


def ended(prompt, status="SUCCEEDED"):
    return {"task_status": status, "orig_prompt": prompt}


# Whether to look at all


def test_without_a_doubt_the_upstream_is_not_asked(world):
    upstream, memory = Script(world), tick_state(world, job(world, 1), job(world, 2, "running"))
    reconcile(upstream.context(), ACCOUNT, memory)
    assert (upstream.asked, memory.done, memory.looks) == ([], {}, {})


def test_a_doubt_in_another_region_is_nothing_that_this_account_can_settle(world):
    upstream = Script(world)
    memory = tick_state(world, job(world, 1, "unsure", region="beijing"))
    reconcile(upstream.context(), ACCOUNT, memory)
    assert upstream.asked == []


@pytest.mark.parametrize(("in_s", "lists"), [(0.0, 1), (0.5, 0), (20.0, 0)])
def test_doubts_are_looked_at_when_it_is_time_and_not_before(world, doubt, known, in_s, lists):
    upstream, memory = Script(world, [known]), tick_state(world, doubt)
    memory.looks[f"reconcile {ACCOUNT}"] = world.clock.now() + in_s
    reconcile(upstream.context(), ACCOUNT, memory)
    assert len(upstream.times("list")) == lists
    assert memory.done["lists"] == lists


def test_the_next_look_is_fifteen_seconds_after_this_one_began(world, doubt, known):
    upstream = Script(world, [known], takes_s={"list": 3.0})
    memory, began = tick_state(world, doubt), world.clock.now()

    def storage(request, send):
        if "jobs%2F" in request.url:
            world.clock.advance(4.0)
        return send(request)

    reconcile(upstream.context(storage), ACCOUNT, memory)
    assert memory.looks[f"reconcile {ACCOUNT}"] == began + 15


def test_one_process_at_a_time_asks_an_account(world, doubt):
    upstream, memory = Script(world), tick_state(world, doubt)
    watch = world.context.ledger.poll_lease(ACCOUNT)
    world.context.ledger.move_poll_lease(watch, "another", until=world.clock.now() + 40)
    reconcile(upstream.context(), ACCOUNT, memory)
    assert upstream.asked == []


# What the list is worth


def test_a_list_that_failed_settles_nothing(world, doubt, known):
    upstream, memory = Script(world, [known], statuses={"list": 500}), tick_state(world, doubt)
    reconcile(upstream.context(), ACCOUNT, memory)
    assert again(world, doubt) == doubt
    assert memory.done == {"in_doubt": 1, "lists": 1}


@pytest.mark.parametrize("reason", ["", "clock_off"])
def test_a_list_settles_nothing_while_the_times_are_not_to_be_trusted(world, known, reason):
    held = job(world, 1, "unsure", reason=reason)
    context, memory = Script(world, [known]).context(), tick_state(world, held)
    shown(context.upstreams[ACCOUNT].clock, world.clock.now(), 4000)
    reconcile(context, ACCOUNT, memory)
    state = again(world, held).state
    assert (state.stage, state.by) == (Stage.UNSURE, held.state.by)


def test_a_task_that_nothing_explains_is_noticed_beside_the_doubt(world, doubt, known):
    stray = row("stray", world.clock.now() - 5000)
    reconcile(Script(world, [known, stray]).context(), ACCOUNT, tick_state(world, doubt))
    assert world.context.ledger.claims(ACCOUNT)["stray"].job == DISPUTED


# Time


@pytest.mark.parametrize(("left_s", "settled"), [(10.0, True), (0.0, False)])
def test_doubts_are_settled_until_the_deadline_and_not_at_it(world, doubt, known, left_s, settled):
    memory = tick_state(world, doubt, left_s=left_s)
    reconcile(Script(world, [known]).context(), ACCOUNT, memory)
    assert (again(world, doubt).state.stage is Stage.QUEUED) is settled
    assert memory.cut is not settled
    assert memory.done["in_doubt"] == int(settled)


def test_a_list_that_came_with_the_deadline_is_left_to_the_next_tick(world, doubt, known):
    memory = tick_state(world, doubt, left_s=10.0)
    reconcile(Script(world, [known], takes_s={"list": 10.0}).context(), ACCOUNT, memory)
    assert again(world, doubt) == doubt
    assert memory.cut


# What a conclusion does


def test_a_job_without_a_task_is_queued_again_with_one_try_more(world, doubt, known):
    memory = tick_state(world, doubt)
    reconcile(Script(world, [known]).context(), ACCOUNT, memory)
    state = again(world, doubt).state
    assert (state.stage, state.tries, state.reason) == (Stage.QUEUED, 3, "")
    assert state.since == world.clock.now()
    assert state.by != doubt.state.by
    assert memory.done == {"in_doubt": 1, "lists": 1, "requeued": 1}


def test_a_claim_that_names_the_job_is_adopted_and_counts_as_no_failure(world, doubt):
    world.context.ledger.claim(ACCOUNT, "found", doubt.id, doubt.state.key)
    memory = tick_state(world, doubt)
    reconcile(Script(world, statuses={"list": 500}).context(), ACCOUNT, memory)
    state = again(world, doubt).state
    assert (state.stage, state.task_id, state.adopted) == (Stage.RUNNING, "found", True)
    assert (state.tries, state.reason) == (0, "")
    assert (state.since, state.accepted_at) == (world.clock.now(), doubt.state.since)
    assert memory.done == {"in_doubt": 1, "lists": 1, "adopted": 1}


def test_a_task_that_another_claimed_first_is_not_adopted(world, doubt, known):
    upstream = Script(world, [known, inside(world, "found")])
    memory = tick_state(world, doubt)

    def storage(request, send):
        response = send(request)
        if "prefix=claims" in request.url:
            world.context.ledger.claim(ACCOUNT, "found", "vid_another", "")
        return response

    reconcile(upstream.context(storage), ACCOUNT, memory)
    assert again(world, doubt) == doubt
    assert memory.done == {"in_doubt": 1, "lists": 1, "taken_by_another": 1}


@pytest.mark.parametrize("rows", [(), ("found",)], ids=["queued again", "adopted"])
def test_a_job_that_its_sender_moved_meanwhile_is_the_senders(world, doubt, known, rows):
    upstream = Script(world, [known, *[inside(world, task) for task in rows]])
    memory = tick_state(world, doubt)
    answered = doubt.state.to(
        Stage.RUNNING, by="c" * 16, now=world.clock.now(), task_id="told", accepted_at=1.0
    )

    def storage(request, send):
        response = send(request)
        if "prefix=claims" in request.url:
            world.context.jobs.patch(doubt, answered)
        return response

    reconcile(upstream.context(storage), ACCOUNT, memory)
    assert again(world, doubt).state == answered
    assert memory.done == {"in_doubt": 1, "lists": 1, "taken_by_another": 1}


def test_a_doubt_with_a_verdict_is_tidied_up_and_asked_about_no_more(world, doubt, known):
    give_up_doubt(world.context, doubt, ())
    left = job(world, 1, "unsure")
    upstream = Script(world, [known, inside(world, "found")])
    memory = tick_state(world, left)
    reconcile(upstream.context(), ACCOUNT, memory)
    assert again(world, left) is None
    assert memory.done == {"lists": 1, "tidied": 1}
    assert "found" not in {
        task for task, one in world.context.ledger.claims(ACCOUNT).items() if one.job == left.id
    }


@pytest.mark.parametrize(("early_s", "why"), [(10.0, None), (0.0, None), (-1.0, "submit_unknown")])
def test_a_doubt_is_given_up_after_its_wait_and_not_before(world, known, early_s, why):
    """Beside the window lies a task that nobody claims: neither adopted nor sent around."""
    until = world.clock.now() - 280 + early_s
    held = job(world, 1, "unsure", since=until - 30, until=until)
    upstream = Script(world, [known, row("near", until - 200)])
    reconcile(upstream.context(), ACCOUNT, tick_state(world, held))
    ending = verdict(world, held)
    assert (ending and ending.failure.kind.code) == why


# Prompts


@pytest.fixture
def pair(world, doubt, known):
    """Two tasks that have ended and may both be the doubt's."""
    rows = [known, inside(world, "one", "SUCCEEDED"), inside(world, "two", "SUCCEEDED")]
    return Script(world, rows, {"one": ended(PROMPT), "two": ended("another")})


def test_prompts_tell_apart_what_times_do_not_and_are_asked_for_at_a_pace(world, doubt, pair):
    memory = tick_state(world, doubt)
    reconcile(pair.context(), ACCOUNT, memory)
    assert again(world, doubt).state.task_id == "one"
    assert memory.prompts == {"one": PROMPT, "two": "another"}
    assert memory.done == {"in_doubt": 1, "lists": 1, "gets": 2, "adopted": 1}
    listed, (first, second) = pair.times("list")[0], pair.times("get")
    assert first - listed >= 0.125
    assert second - first >= 0.125


def test_two_doubts_get_each_the_task_of_its_own_prompt(world, doubt, pair):
    _, body, _ = pending(2, created_at=world.clock.now())
    body["request"]["prompt"] = "another"
    second = job(world, 2, "unsure", body=body)
    reconcile(pair.context(), ACCOUNT, tick_state(world, doubt, second))
    assert again(world, doubt).state.task_id == "one"
    assert again(world, second).state.task_id == "two"


def test_prompts_that_tell_nothing_make_nobody_give_up_earlier(world, known):
    until = world.clock.now() - 280 + 10
    held = job(world, 1, "unsure", since=until - 30, until=until)
    rows = [known, *[row(task, until - 10, "SUCCEEDED") for task in ("one", "two")]]
    upstream = Script(world, rows, {"one": ended(PROMPT), "two": ended(PROMPT)})
    reconcile(upstream.context(), ACCOUNT, tick_state(world, held))
    assert again(world, held) == held


def test_what_an_unfinished_task_reports_is_no_prompt_yet(world, doubt, pair):
    pair.tasks["one"] = ended(PROMPT, "RUNNING")
    memory = tick_state(world, doubt)
    reconcile(pair.context(), ACCOUNT, memory)
    assert memory.prompts == {"two": "another"}


def test_a_query_without_an_answer_tells_no_prompt(world, doubt, pair):
    pair.statuses["get"] = 500
    memory = tick_state(world, doubt)
    reconcile(pair.context(), ACCOUNT, memory)
    assert memory.prompts == {}
    assert memory.done["gets"] == 2
    assert "errors" not in memory.done


def test_bodies_are_read_only_where_there_is_a_prompt_to_compare(world, doubt, known):
    bodies = []

    def storage(request, send):
        if "pending%2F" in request.url and "alt=media" in request.url:
            bodies.append(request.url)
        return send(request)

    rows = [known, inside(world, "one"), inside(world, "two")]
    upstream = Script(world, rows)
    reconcile(upstream.context(storage), ACCOUNT, tick_state(world, doubt))
    assert again(world, doubt) == doubt  # waits
    assert bodies == []


def test_the_only_task_of_the_window_is_adopted_whatever_its_prompt(world, doubt, known):
    """Whether it is ours is judged when its film is there; sending beside it is not safe."""
    memory = tick_state(world, doubt)
    memory.prompts["found"] = "another"
    reconcile(Script(world, [known, inside(world, "found")]).context(), ACCOUNT, memory)
    assert again(world, doubt).state.task_id == "found"


def without_prompt(world, number):
    """A job of a template: it was sent without a prompt."""
    _, body, _ = pending(number, created_at=world.clock.now())
    body["request"]["prompt"] = None
    return body


def test_a_job_that_was_sent_without_a_prompt_is_a_task_that_reports_none(world, known):
    held = job(world, 1, "unsure", body=without_prompt(world, 1))
    rows = [known, inside(world, "one", "SUCCEEDED"), inside(world, "two", "SUCCEEDED")]
    upstream = Script(world, rows, {"one": ended(""), "two": ended("None")})
    reconcile(upstream.context(), ACCOUNT, tick_state(world, held))
    assert again(world, held).state.task_id == "one"


@pytest.mark.parametrize("when", ["prefix=claims", "alt=media"])
def test_a_rival_that_is_gone_meanwhile_contests_all_the_same(world, doubt, pair, when):
    """The list was read before it went, and nobody can tell what it was sent with."""
    rival = job(world, 2, "unsure")

    def storage(request, send):
        if when in request.url and ("claims" in request.url or rival.id in request.url):
            for name in world.names(rival.name):
                world.bucket.blob(name).delete()
        return send(request)

    memory = tick_state(world, doubt)
    reconcile(pair.context(storage), ACCOUNT, memory)
    assert "errors" not in memory.done
    assert verdict(world, doubt).failure.kind.code == "submit_unknown"


# Giving up


def test_a_doubt_that_was_moved_meanwhile_is_not_given_up(world, doubt):
    world.context.jobs.patch(doubt, doubt.state.to(Stage.QUEUED, by="d" * 16, now=1.0))
    assert give_up_doubt(world.context, doubt, ("one",)) == "taken_by_another"
    assert verdict(world, doubt) is None
    assert world.context.ledger.claims(ACCOUNT) == {}


def test_a_candidate_that_was_claimed_for_the_job_meanwhile_is_adopted(world, doubt):
    world.context.ledger.claim(ACCOUNT, "two", doubt.id, "")
    assert give_up_doubt(world.context, doubt, ("one", "two")) == "adopted"
    assert again(world, doubt).state.task_id == "two"
    assert verdict(world, doubt) is None


def test_what_is_given_up_ends_now_and_every_candidate_is_nobodys(world, doubt):
    assert give_up_doubt(world.context, doubt, ("one", "two")) == "submit_unknown"
    ending = verdict(world, doubt)
    assert (ending.ended_at, ending.candidates) == (world.clock.now(), ("one", "two"))
    assert {one.job for one in world.context.ledger.claims(ACCOUNT).values()} == {DISPUTED}
    assert again(world, doubt) is None


def test_a_doubt_whose_body_is_gone_gets_no_verdict(world, doubt):
    def storage(request, send):
        if "pending%2F" in request.url and "alt=media" in request.url:
            world.bucket.blob(doubt.name).delete()
        return send(request)

    context = Script(world).context(storage)
    assert give_up_doubt(context, doubt, ()) == "taken_by_another"
    assert verdict(world, doubt) is None
