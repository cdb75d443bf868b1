"""The log of deliveries: the last tries, and one try at a time."""

import json

import pytest

from tests.receivers import secret
from tests.web.native.test_deliveries import log, post


@pytest.fixture
def world(make_world):
    return make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret()]})})


def test_a_log_keeps_the_last_tries_only(world):
    job_id = post(world, "ok")
    world.run()
    for _ in range(25):
        log(world, job_id, 202, "POST")
        world.tick()
    rows = log(world, job_id)["data"]
    assert [row["attempt"] for row in rows] == list(range(7, 27))


def test_while_a_try_is_under_way_nobody_begins_another(world):
    job_id = post(world, "ok")
    world.clock.advance(90)
    answers = []

    def meanwhile(calls):
        if world.names("outbox/"):
            answers.append(log(world, job_id, 409, "POST"))
            answers.append(log(world, job_id))
        return [call() for call in calls]

    object.__setattr__(world.context, "together", meanwhile)
    world.run()
    assert answers[0]["error"]["retryable"] is True
    assert answers[1]["state"] == "pending"
    assert len(world.receivers.of(job_id)) == 1


def test_what_a_dead_process_left_behind_is_neither_shown_nor_in_the_way(world):
    """It died between the mark on the job and the end of the entry."""
    world.storage.faults.add(method="DELETE", object="outbox/*", status=503, times=5)
    job_id = post(world, "ok")
    world.run()
    assert len(world.names("outbox/")) == 1
    assert log(world, job_id)["state"] == "delivered"
    log(world, job_id, 202, "POST")
    world.tick()
    assert len(world.receivers.of(job_id)) == 2
    for _ in range(5):
        world.clock.advance(600)
        world.tick()
    assert len(world.receivers.of(job_id)) == 2
    assert world.names("outbox/") == []
