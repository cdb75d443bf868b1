"""A request that is sent again without a key: one job within the window, wherever the edges lie."""

import hashlib
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.request import VideoRequest
from lib.flows.requests.delete import delete
from lib.flows.requests.implicit_key import Repeats, answered, begin
from lib.flows.requests.submit import submit, submit_keyless
from tests.conftest import film
from tests.world import World, picture

WINDOW_S = 60
FIRST, LAST = picture(), picture(color=(200, 60, 30))


def order(**changes):
    fields = {"prompt": "rain", "first_frame": FIRST, "last_frame": LAST, **changes}
    return VideoRequest.parse(fields)


def send(world, request=None, *, service=None, owner="alice", window_s=WINDOW_S):
    context = (service or world.service).context
    made = submit_keyless(context, owner, request or order(), Repeats(window_s))
    answered(context, owner, made.begun)
    return made.job.intent.id


def test_a_repetition_is_the_same_job_on_every_instance(world):
    job = send(world)
    assert send(world) == send(world, service=world.instance()) == job
    assert len(world.paid()) == 1


def test_another_owner_another_request_and_no_window_are_other_jobs(world):
    jobs = [
        send(world),
        send(world, owner="bob"),
        send(world, order(prompt="snow")),
        send(world, order(seed=1)),
        send(world, order(last_frame=FIRST)),
        send(world, window_s=0),
        send(world, window_s=0),
    ]
    assert len(set(jobs)) == len(jobs)


@pytest.mark.parametrize("start", [0.0, 30.0, 59.0, 59.999, 60.0, 3599.5])
def test_no_edge_of_any_clock_lies_between_a_create_and_its_repetition(world, start):
    """A window that began with each full minute would lose the repetitions behind its edge."""
    world.clock.advance(start)
    job = send(world)
    world.clock.advance(1.0)
    assert send(world) == job
    world.clock.advance(WINDOW_S - 1.0)
    assert send(world) == job
    world.clock.advance(0.001)
    assert send(world) != job


def test_repetitions_do_not_stretch_the_window(world):
    job = send(world)
    for _ in range(3):
        world.clock.advance(20)
        assert send(world) == job
    world.clock.advance(1)
    assert send(world) != job


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 20.0, 40.0, 59.999, 60.0, 60.001, 61.0, 90.0]), max_size=6)
)
def test_a_new_job_begins_exactly_when_the_window_of_the_last_one_is_over(gaps):
    world = World(film, overflow="queue")
    job, made_at = send(world), world.clock.now()
    for gap in gaps:
        world.clock.advance(gap)
        again = send(world)
        if world.clock.now() - made_at <= WINDOW_S + 1e-9:
            assert again == job
        else:
            assert again != job
            job, made_at = again, world.clock.now()


def send_at_once(world, count=4):
    """The same request at several instances at one moment; the ids of their answers."""
    jobs, services = [], [world.instance() for _ in range(count)]
    start = threading.Barrier(count)

    def run(service):
        start.wait()
        jobs.append(send(world, service=service))

    threads = [threading.Thread(target=run, args=(service,)) for service in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == count
    # Who wrote the job may have found the gate taken by one who did not: then a tick sends it.
    world.clock.advance(2.0)
    world.tick()
    return jobs


def test_many_at_once_from_several_instances_are_one_job(world):
    jobs = send_at_once(world)
    assert len(set(jobs)) == 1
    assert len(world.paid()) == 1


def test_many_at_once_behind_the_window_are_one_new_job(world):
    old = send(world)
    world.run()
    world.clock.advance(WINDOW_S + 1)
    jobs = send_at_once(world)
    assert len(set(jobs)) == 1
    assert old not in jobs
    assert len(world.paid()) == 2


def test_an_attempt_that_died_before_its_job_is_taken_over(world):
    dead = "vid_" + "0" * 27
    request = order()
    begin(world.context, "alice", request.fingerprint("alice"), dead, Repeats(WINDOW_S))
    world.clock.advance(599)
    made = submit_keyless(world.context, "alice", request, Repeats(WINDOW_S))
    assert (made.job.intent.id, made.replayed) == (dead, False)


def test_an_attempt_that_died_long_ago_is_forgotten(world):
    dead = "vid_" + "0" * 27
    request = order()
    begin(world.context, "alice", request.fingerprint("alice"), dead, Repeats(WINDOW_S))
    world.clock.advance(3600)
    assert send(world, request) != dead


def test_a_binding_of_the_revision_before_leads_to_its_job(world):
    """It bound a request to a token, and the token to the job."""
    context, request = world.context, order()
    fingerprint = request.fingerprint("alice")
    window, bound = (
        hashlib.sha256(text.encode()).hexdigest()
        for text in (f"implicit window {fingerprint}", f"implicit:{fingerprint}:{'a' * 16}")
    )
    job = submit(context, "alice", request, "its key").job.intent.id
    now = world.clock.now()
    context.ledger.take_key("alice", window, "again-" + "a" * 16, fingerprint, now)
    context.ledger.take_key("alice", bound, job, fingerprint, now)
    assert send(world, request) == job
    world.clock.advance(WINDOW_S + 1)
    assert send(world, request) != job


def test_nothing_is_sent_beside_a_send_whose_outcome_nobody_knows(world):
    request = order(prompt="#lost-submit")
    job = send(world, request)
    world.clock.advance(WINDOW_S + 30)
    assert send(world, request) == job
    assert len(world.paid()) == 1


def test_a_film_within_the_window_is_the_answer_to_its_repetition(make_world):
    world = make_world(draw=lambda: (1.0, 5.0), env={"FIRST_LOOK_S": "1"})
    job = send(world)
    world.clock.advance(10)
    world.tick()
    (record,) = world.names("jobs/")
    assert world.clock.now() < 1_780_000_000 + WINDOW_S
    assert job in record
    assert send(world) == job


def test_what_was_refused_unpaid_may_be_tried_again(world):
    request = order(prompt="#moderation-input")
    job = send(world, request)
    (record,) = world.names("jobs/")
    verdict = json.loads(world.bucket.blob(record).download_as_bytes())["verdict"]
    assert (verdict["status"], verdict["paid"]) == ("failed", False)
    world.clock.advance(2)
    assert send(world, request) != job


def test_what_was_deleted_is_not_what_its_owner_asks_for_again(make_world):
    world = make_world(draw=lambda: (1.0, 5.0), env={"FIRST_LOOK_S": "1"})
    job = send(world)
    world.clock.advance(10)
    world.tick()
    delete(world.context, "alice", job)
    assert send(world) != job


@pytest.mark.parametrize("mark", ["", "²", "nan", "soon", "9" * 400, "-1", "1e999"])
def test_a_mark_that_is_no_moment_counts_as_none(world, mark):
    job = send(world)
    for blob in world.bucket.list_blobs(prefix="keys/"):
        blob.metadata = {"seen": mark}
        blob.patch()
    assert send(world, service=world.instance()) == job
