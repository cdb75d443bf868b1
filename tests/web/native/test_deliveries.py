"""The delivery log of a job and the redelivery call, as an owner meets them."""

import json

import pytest

from tests.receivers import PLACE, secret


@pytest.fixture
def world(make_world):
    return make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret()]})})


def post(world, way):
    answer = world.post(webhook_url=f"{PLACE}/{way}/token-7731")
    assert answer.status_code == 202, answer.text
    return answer.get_json()["id"]


def log(world, job_id, status=200, method="GET"):
    answer = world.client.open(f"/v1/videos/{job_id}/webhook-deliveries", method=method)
    assert answer.status_code == status, answer.text
    assert "7731" not in answer.text
    assert "not for logs" not in answer.text
    return answer.get_json()


def test_the_log_tells_every_try_and_the_next_one(world):
    job_id = post(world, "weak")
    assert log(world, job_id) == {
        "object": "list", "webhook_id": "msg_" + job_id[4:], "state": "waiting",
        "next_try_at": None, "data": [], "has_more": False,
    }  # fmt: skip
    world.run()
    shown = log(world, job_id)
    assert shown["state"] == "pending"
    (first,) = shown["data"]
    assert (first["attempt"], first["status"], first["outcome"]) == (1, 500, "refused")
    assert first["id"] == f"msg_{job_id[4:]}.1"
    assert shown["next_try_at"] >= first["at"] + 60
    for _ in range(3):
        world.clock.advance(400)
        world.tick()
    shown = log(world, job_id)
    assert (shown["state"], shown["next_try_at"]) == ("delivered", None)
    assert [(row["attempt"], row["status"]) for row in shown["data"]] == [
        (1, 500),
        (2, 500),
        (3, 200),
    ]
    assert len(world.receivers.of(job_id)) == 3


def test_a_delivered_webhook_is_delivered_again_under_the_same_id(world):
    job_id = post(world, "ok")
    world.run()
    for number in (2, 3):
        again = log(world, job_id, 202, "POST")
        assert (again["state"], len(again["data"])) == ("pending", number - 1)
        world.tick()
        shown = log(world, job_id)
        assert (shown["state"], shown["data"][-1]["attempt"]) == ("delivered", number)
    received = world.receivers.of(job_id)
    assert len(received) == 3
    assert len({one.id for one in received}) == len({one.body for one in received}) == 1
    assert world.names("outbox/") == []


def test_one_that_was_given_up_gets_eight_tries_more(world):
    job_id = post(world, "500")
    world.run()
    for _ in range(60):
        world.clock.advance(3600)
        world.tick()
    assert log(world, job_id)["state"] == "given_up"
    log(world, job_id, 202, "POST")
    for _ in range(60):
        world.tick()
        world.clock.advance(3600)
    shown = log(world, job_id)
    assert shown["state"] == "given_up"
    assert [row["attempt"] for row in shown["data"]] == list(range(1, 17))


def test_a_redelivery_while_a_try_is_planned_only_brings_it_forward(world):
    job_id = post(world, "weak")
    world.run()
    for _ in range(3):  # a double click
        log(world, job_id, 202, "POST")
    assert len(world.names("outbox/")) == 1
    world.tick()
    assert len(world.receivers.of(job_id)) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_job_no_log(world, method):
    shown = log(world, "vid_" + "0" * 27, 404, method)
    assert shown["error"]["code"] == "not_found"


def test_a_job_without_an_address_has_an_empty_log(world):
    job_id = world.post().get_json()["id"]
    world.run()
    assert (log(world, job_id)["state"], log(world, job_id)["data"]) == ("none", [])
    assert "webhook_url" in log(world, job_id, 409, "POST")["error"]["message"]


def test_a_job_that_lives_is_told_about_when_it_ends(world):
    job_id = post(world, "ok")
    assert log(world, job_id, 409, "POST")["error"]["code"] == "not_ready"


def test_validate_only_judges_the_address_too(world):
    answer = world.post(webhook_url="https://10.0.0.1/x", validate_only="true")
    assert answer.get_json()["error"]["param"] == "webhook_url"


def test_a_retry_tells_the_same_address(world):
    world.upstream.faults.add(
        operation="create", kind="status", status=400, code="InvalidParameter", times=1
    )
    job_id = post(world, "ok")
    world.tick()
    answer = world.client.post(f"/v1/videos/{job_id}/retry")
    assert answer.status_code == 202, answer.text
    world.run()
    types = [one.event["type"] for one in world.receivers.heard]
    assert types == ["video.failed", "video.completed"]
