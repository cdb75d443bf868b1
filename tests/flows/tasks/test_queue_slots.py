"""Places upstream are counted by the tasks that run there; lists that are wrong hide no film for ever."""

import pytest

from tests.flows.odd import read
from tests.flows.tasks.test_poll_odd_answers import Bent
from tests.world import UPSTREAM


def ticks(world, minutes):
    for _ in range(minutes):
        began = world.clock.now()
        world.tick()
        world.clock.advance(max(0.0, began + 60 - world.clock.now()))


@pytest.mark.parametrize("trouble", ["wrong-length", "wrong-type", "dead-link"])
def test_a_film_that_cannot_be_copied_keeps_nobody_waiting(world, trouble):
    bad = [world.post(prompt=f"{number} #{trouble}").get_json()["id"] for number in range(2)]
    ticks(world, 3)
    good = [world.post(prompt=f"good {number}").get_json()["id"] for number in range(3)]
    ticks(world, 8)
    assert [world.job(each)["status"] for each in good] == ["completed"] * 3
    assert all(world.job(each)["status"] != "completed" for each in bad)


def test_a_task_that_a_query_does_not_know_keeps_no_place_once_the_list_says_it_ended(world):
    for number in range(2):
        world.post(prompt=f"{number} #unknown")
    good = world.post(prompt="good").get_json()["id"]
    ticks(world, 8)
    assert world.job(good)["status"] == "completed"


def test_a_task_that_nobody_knows_keeps_its_place_no_longer_than_one_can_run(world):
    for number in range(2):
        world.post(prompt=f"lost {number}")
    ticks(world, 1)
    world.upstream.tasks.clear()
    good = world.post(prompt="good").get_json()["id"]
    ticks(world, 10)
    assert world.job(good)["status"] == "queued"
    world.clock.advance(3 * 3600)
    ticks(world, 5)
    assert world.job(good)["status"] == "completed"


def test_a_place_is_given_on_in_the_round_in_which_the_film_came_home(world):
    first = [world.post(prompt=f"first {number}").get_json()["id"] for number in range(2)]
    last = world.post(prompt="last").get_json()["id"]
    world.run()
    ends = [read(world, f"jobs/local/{each}.json")["verdict"]["ended_at"] for each in first]
    task_id = read(world, f"jobs/local/{last}.json")["verdict"]["task_id"]
    (task,) = [one for one in world.upstream.tasks if one.id == task_id]
    assert task.submitted_at - min(ends) < 3, "sooner than the next listing of pending/"


@pytest.fixture
def stale(make_world):
    """A world whose upstream lists everything as running for ever, and its queries."""
    world = make_world()
    queries = []

    def fits(method, url):
        if method == "GET" and "/tasks" in url:
            queries.append((world.clock.now(), "?" in url))
        return method == "GET" and "/tasks/?" in url.replace("/tasks?", "/tasks/?")

    def running(answer):
        return {**answer, "data": [{**row, "status": "RUNNING"} for row in answer["data"]]}

    def connect():
        session = world.session()
        session.mount(UPSTREAM, Bent(session.get_adapter(UPSTREAM), fits, running, 1_000_000))
        return session

    world.service = world.instance(connect=connect)
    return world, queries


def test_a_list_that_calls_a_task_alive_for_ever_hides_no_film(stale):
    world, queries = stale
    job_id = world.post().get_json()["id"]
    ticks(world, 20)
    assert world.job(job_id)["status"] == "completed"
    singles = [at for at, listed in queries if not listed]
    assert len(singles) <= 2, "asked for when it was late, and not before"


def test_a_late_task_is_asked_for_at_a_slow_pace(stale):
    world, queries = stale
    world.post(prompt="rain #stuck")
    ticks(world, 60)
    singles = [at for at, listed in queries if not listed]
    assert 30 <= len(singles) <= 60
    assert min(third - at for at, third in zip(singles, singles[2:], strict=False)) >= 60
