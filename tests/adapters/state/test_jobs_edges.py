"""The state of jobs under races and lost answers: one step each, and everybody hears who won."""

import pytest

from lib.core.jobs.job import Job, Stage, Status, Verdict
from lib.core.outside.records import RecordUnreadable
from tests.adapters.state.test_ledger_edges import unheard
from tests.flows.odd import pending, put
from tests.flows.tasks.stored import again, job
from tests.hooks import instance

ENDED = Verdict(Status.FAILED, 5.0)


@pytest.fixture
def held(world):
    return job(world, 1, "sending")


@pytest.fixture
def jobs(world):
    return world.context.jobs


def through(world, storage):
    return instance(world, storage=storage).context.jobs


def remove(world, *prefixes):
    for prefix in prefixes:
        for name in world.names(prefix):
            world.bucket.blob(name).delete()


def on_read(world, part, step):
    """A hook that lets something happen just before a name is read."""

    def storage(request, send):
        if request.method == "GET" and part in request.url:
            step()
        return send(request)

    return storage


def next_state(held, by="b" * 16):
    return held.state.to(Stage.UNSURE, by=by, now=held.state.since, until=held.state.until)


# Creating and changing


def test_a_job_is_created_once(jobs, held):
    intent = jobs.intent(held)
    assert jobs.create(intent, next_state(held)) is None
    jobs.drop(held)
    made = jobs.create(intent, held.state)
    assert (made.owner, made.id, made.state) == (held.owner, held.id, held.state)
    assert jobs.live(held.owner, held.id).meta.generation == made.meta.generation


def test_what_a_new_job_has_not_is_left_out_and_not_written_as_nothing(world, jobs, held):
    intent, cards = jobs.intent(held), []
    jobs.drop(held)

    def storage(request, send):
        if request.method == "POST":
            cards.append(request.body.split(b"\r\n\r\n")[1])
        return send(request)

    through(world, storage).create(intent, held.state)
    assert b'"stage": "sending"' in cards[0]
    assert b"null" not in cards[0]


def test_a_creation_whose_answer_was_lost_is_ours(world, jobs, held):
    intent = jobs.intent(held)
    jobs.drop(held)
    made = through(world, unheard("POST")).create(intent, held.state)
    assert made == again(world, held)


def test_a_change_is_made_by_whoever_saw_the_job_last(world, jobs, held):
    won = jobs.patch(held, next_state(held))
    assert won == again(world, held)
    assert jobs.patch(held, next_state(held, "c" * 16)) is None
    assert won == again(world, held)


def test_a_change_whose_answer_was_lost_is_ours(world, held):
    assert through(world, unheard("PATCH")).patch(held, next_state(held)) == again(world, held)


def test_a_job_that_is_gone_is_not_changed(world, jobs, held):
    remove(world, "pending/")
    assert jobs.patch(held, next_state(held)) is None
    assert world.names("pending/") == []


@pytest.mark.parametrize("left", ["nothing", "what cannot be read"])
def test_a_change_that_lost_to_something_else_is_nobodys(world, held, left):
    world.context.jobs.patch(held, next_state(held, "c" * 16))

    def step():
        remove(world, "pending/")
        if left != "nothing":
            put(world, held.name, b"{}", {"stage": "weighing"})

    late = through(world, on_read(world, "pending%2F", step))
    assert late.patch(held, next_state(held)) is None


def test_what_is_not_pending_is_none_and_what_cannot_be_read_says_so(world, jobs, held):
    assert jobs.live("local", f"vid_{9:027x}") is None
    assert jobs.reread(held) == held
    put(world, held.name, b"{}", {"stage": "weighing"})
    with pytest.raises(RecordUnreadable):
        jobs.reread(held)


# Dropping


def test_a_job_is_dropped_as_this_process_last_wrote_it(world, jobs, held):
    moved = jobs.patch(held, next_state(held))
    assert jobs.drop(held) is False
    assert again(world, held) == moved
    assert jobs.drop(moved) is True
    assert again(world, held) is None
    assert jobs.drop(moved) is True, "gone already"


def test_another_object_of_the_same_name_is_not_dropped(world, jobs, held):
    remove(world, "pending/")
    new = job(world, 1, "sending")
    assert new.meta.metageneration == held.meta.metageneration
    jobs.drop(held)
    assert again(world, held) == new


# Reading


def test_a_verdict_wins_over_the_pending_object(jobs, held):
    intent = jobs.intent(held)
    assert jobs.find(held.owner, held.id) == Job(intent, held.state)
    jobs.finish(intent, held.state, ENDED)
    assert jobs.find(held.owner, held.id) == Job(intent, verdict=ENDED)
    jobs.drop(held)
    assert jobs.find(held.owner, held.id) == Job(intent, verdict=ENDED)
    assert jobs.find("alice", held.id) is None


def test_a_job_that_moves_while_it_is_read_is_not_lost(world, jobs, held):
    intent, contents = jobs.intent(held), []

    def storage(request, send):
        response = send(request)
        if "alt=media" in request.url:
            contents.append(request.url)
            if len(contents) == 1:
                jobs.finish(intent, held.state, ENDED)
                jobs.drop(held)
        return response

    assert through(world, storage).find(held.owner, held.id) == Job(intent, verdict=ENDED)


def test_a_job_whose_body_is_gone_meanwhile_is_none(world, jobs, held):
    late = through(world, on_read(world, "alt=media", lambda: remove(world, "pending/")))
    assert late.find(held.owner, held.id) is None


def test_a_finished_job_costs_three_calls(world, jobs, held):
    jobs.finish(jobs.intent(held), held.state, ENDED)
    jobs.drop(held)
    calls = []

    def storage(request, send):
        calls.append(request.url)
        return send(request)

    through(world, storage).find(held.owner, held.id)
    assert len(calls) == 3  # at once: see the tests of round trips


def test_a_state_that_cannot_be_read_says_so(world, jobs, held):
    name, body, _ = pending(1, created_at=5.0)
    put(world, name, body, {"stage": "weighing"})
    with pytest.raises(RecordUnreadable):
        jobs.find(held.owner, held.id)


def test_a_follower_hears_of_every_change_that_took_effect_and_of_no_other(jobs, held):
    heard = []
    followed = jobs.followed(lambda name, now: heard.append((name, now)))
    later = held.state.to(Stage.UNSURE, by="c" * 16, now=2.0)
    changed = followed.patch(held, later)
    assert heard == [(held.name, changed)]
    assert followed.patch(held, held.state.to(Stage.QUEUED, by="d" * 16, now=3.0)) is None
    assert followed.drop(held) is False
    assert len(heard) == 1, "what was lost to another changed nothing"
    assert followed.drop(changed)
    assert heard[1:] == [(held.name, None)]
