"""How many round trips to the bucket a read waits for: one for a job, three and its bodies for a page."""

import pytest

from lib.core.ids import new_id
from tests.trips import Trips
from tests.world import World


@pytest.fixture
def world(make_film):
    return World(make_film, draw=lambda: (1.0, 20.0))


def test_a_running_job_is_read_in_one_trip(world):
    job_id = world.post().get_json()["id"]
    answer, trips = Trips(world).of("GET", f"/v1/videos/{job_id}")
    assert (answer.get_json()["status"], trips) == ("in_progress", 1)


def test_a_finished_job_is_read_in_one_trip(world):
    job_id = world.post().get_json()["id"]
    world.run()
    answer, trips = Trips(world).of("GET", f"/v1/videos/{job_id}")
    assert (answer.get_json()["status"], trips) == ("completed", 1)


def test_a_job_that_is_nowhere_is_looked_for_once_more(world):
    nowhere = new_id(world.clock.now(), "0" * 16)
    answer, trips = Trips(world).of("GET", f"/v1/videos/{nowhere}")
    assert (answer.status_code, trips) == (404, 2)


@pytest.mark.parametrize(("limit", "rounds"), [(1, 1), (7, 1), (20, 3), (100, 5)])
def test_a_page_waits_for_two_lists_and_its_bodies_eight_at_once(world, limit, rounds):
    made = [world.post(prompt=f"{number}").get_json()["id"] for number in range(35)]
    world.clock.advance(40)
    world.tick()
    counter = Trips(world)
    answer, trips = counter.of("GET", f"/v1/videos?limit={limit}")
    assert [job["id"] for job in answer.get_json()["data"]] == sorted(made)[:limit]
    assert trips == 2 + rounds
    assert counter.at_once <= 8
    assert counter.calls <= 2 + limit + 1
