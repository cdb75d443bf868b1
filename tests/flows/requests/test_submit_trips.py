"""How many round trips to the bucket a create waits for: a trip more is a test that fails."""

import io
import json

import pytest

from tests.trips import Trips
from tests.world import World, picture


@pytest.fixture
def world(make_film):
    return World(make_film, draw=lambda: (1.0, 20.0))


def post(counter, **headers):
    data = {
        "first_frame": (io.BytesIO(picture()), "first.png"),
        "last_frame": (io.BytesIO(picture(color=(1, 2, 3))), "last.png"),
        "prompt": "a wave",
    }
    return counter.of("POST", "/v1/videos", data=data, headers=headers)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}], ids=["keyless", "keyed"])
def test_a_create_that_is_sent_at_once_waits_for_six_trips(world, headers):
    # The key beside the gate; both frames beside the gate's write; the job; the look for a verdict;
    # the claim; the task's id.
    counter = Trips(world)
    answer, trips = post(counter, **headers)
    assert (answer.status_code, answer.get_json()["stage"]) == (202, "running")
    assert trips <= 6
    assert counter.calls == 9


def test_a_create_that_is_queued_waits_for_three_trips(world):
    world.post()
    counter = Trips(world)  # within the gate's second
    answer, trips = post(counter)
    assert (answer.status_code, answer.get_json()["stage"]) == (202, "queued")
    assert trips <= 3


def test_a_replay_waits_for_its_key_and_its_job(world):
    counter = Trips(world)
    post(counter, **{"Idempotency-Key": "once"})
    answer, trips = post(counter, **{"Idempotency-Key": "once"})
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert trips <= 4


def test_a_gate_that_was_taken_since_it_was_read_is_tried_once_more(world):
    counter = Trips(world)
    read = []

    def seen(request, send):
        answer = send(request)
        if request.method == "GET" and "gates%2F" in request.url and not read:
            read.append(request.url)
            world.post(prompt="whoever comes first")
            world.clock.advance(1.5)
        return answer

    counter.between = seen
    answer, _trips = post(counter)
    assert read
    assert answer.get_json()["stage"] == "running"


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}], ids=["keyless", "keyed"])
def test_the_limits_of_an_owner_cost_one_trip_more(make_film, headers):
    # Live jobs before those that ended, beside the key; all else as above.
    limits = {"*": {"jobs_per_day": 9, "jobs_running": 9}}
    world = World(make_film, env={"OWNER_LIMITS": json.dumps(limits)})
    counter = Trips(world)
    answer, trips = post(counter, **headers)
    assert (answer.status_code, answer.get_json()["stage"]) == (202, "running")
    assert answer.headers["RateLimit"]
    assert trips <= 7
