"""What a tick remembers of its jobs is what it wrote last: nothing waits for the next listing."""

import pytest

from lib.adapters.state.outbox import Entry
from lib.core.errors import STORAGE_UNAVAILABLE, ApiError
from lib.core.jobs.job import Stage
from lib.flows.tick_state import TickState
from tests.world import UPSTREAM


def minutes(world, number):
    """A tick a minute, as the scheduler does."""
    for _ in range(number):
        began = world.clock.now()
        world.tick()
        world.clock.advance(max(0.0, began + 60 - world.clock.now()))


def warm(world):
    """A film of ours, so that the list has shown our key."""
    world.post(prompt="before the story")
    world.run()
    world.clock.advance(400)


def films(world):
    for number in range(3):
        world.post(prompt=f"film {number}")


def odd_films(world):
    for number, trouble in enumerate(("wrong-length", "dead-link", "moderation", "unknown")):
        world.post(prompt=f"{number} #{trouble}")


def lost_answers(world):
    warm(world)
    for when in ("before", "after"):
        world.upstream.faults.add(operation="create", kind="drop", when=when, times=1)
        world.post(prompt=f"lost {when}")
        world.clock.advance(5)


def refusals(world):
    for number in range(4):
        world.post(prompt=f"{number}")
    world.upstream.faults.add(operation="create", kind="arrears", times=2)


def a_region_that_is_gone(world):
    films(world)
    beijing = {"DASHSCOPE_REGION": "beijing", "DASHSCOPE_API_KEY": "sk-local-beijing"}
    world.deploy({**beijing, "DASHSCOPE_BASE_URL": f"{UPSTREAM}/beijing/api/v1"})


def a_delete(world):
    job_id = world.post().get_json()["id"]
    world.run()
    world.client.delete(f"/v1/videos/{job_id}")
    films(world)


def a_cancel_that_died(world):
    films(world)
    held = next(one for one in world.context.jobs.pending() if one.state.stage is Stage.QUEUED)
    state = held.state.to(Stage.CANCELLED, by="b" * 16, now=world.clock.now())
    assert world.context.jobs.patch(held, state)


STORIES = {
    "films": films,
    "odd films": odd_films,
    "lost answers": lost_answers,
    "refusals": refusals,
    "a region that is gone": a_region_that_is_gone,
    "a delete": a_delete,
    "a cancel that died": a_cancel_that_died,
}


@pytest.fixture
def steps(world, monkeypatch):
    """What each step of a tick did and when, and each job of which its memory was not up to date."""
    done, stale = [], []
    attempt = TickState.attempt

    def noted(tick_state, held, *step):
        word = attempt(tick_state, held, *step)
        done.append((word, held.id, world.clock.now()))
        stored = {one.name: one.state for one in world.context.jobs.pending()}
        for name, known in tick_state.jobs.items():
            if stored.get(name) != known.state:
                stale.append((word, str(known.state.stage), name))
        return word

    monkeypatch.setattr(TickState, "attempt", noted)
    return done, stale


@pytest.mark.parametrize("story", STORIES)
def test_after_every_step_the_memory_is_what_lies_in_the_bucket(world, steps, story):
    STORIES[story](world)
    minutes(world, 8)
    done, stale = steps
    assert done
    assert stale == []


def test_what_is_queued_again_is_sent_in_the_same_round(world, steps):
    warm(world)
    world.upstream.faults.add(operation="create", kind="drop", when="before", times=1)
    job_id = world.post(prompt="never arrived").get_json()["id"]
    minutes(world, 5)
    at = {word: moment for word, job, moment in steps[0] if job == job_id}
    assert at["sent"] - at["requeued"] < 1


def failing():
    raise ApiError(STORAGE_UNAVAILABLE, "no answer")


def test_a_step_is_run_with_its_arguments_and_its_result_comes_back():
    tick_state, entry = TickState(0.0), Entry("local", "vid_1", None, "b", "h", 0.0)
    assert tick_state.attempt(entry, str.upper, "sent") == "SENT"
    assert tick_state.attempt(entry, sorted, [2, 1], reverse=True) == [2, 1]
    assert tick_state.attempt(entry, failing) is None
    assert tick_state.done == {"SENT": 1, "errors": 1}, "a word is counted, anything else is not"
