"""What is told of an end, and to which address: judged before anything is stored or paid."""

import json

import pytest

from lib.core.errors import ApiError
from lib.flows.webhooks.announce import check_address
from tests.receivers import PLACE, secret

SECRETS = {"local": [secret("n"), secret("o")]}


@pytest.fixture
def world(make_world):
    return make_world(env={"WEBHOOK_SECRETS": json.dumps(SECRETS)})


def post(world, way, **fields):
    answer = world.post(webhook_url=f"{PLACE}/{way}/x", **fields)
    assert answer.status_code == 202, answer.text
    return answer.get_json()["id"]


def test_without_an_address_nothing_is_told_or_written(world):
    world.post()
    world.run()
    assert world.receivers.heard == []
    assert world.names("outbox/") == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com/x", "not https"),
        ("https://10.0.0.1/x", "not a public address"),
        ("https://metadata.google.internal/", "not a public name"),
        ("https://user:word@example.com/", "user name"),
        ("nonsense", "not https"),
        ("https://example.com:8080/", "port"),
        ("x" * 3000, "a text of 3000 characters"),
    ],
)
def test_addresses_are_judged_before_anything_is_stored_or_paid(world, url, says):
    answer = world.post(webhook_url=url)
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert (error["code"], error["param"]) == ("invalid_request", "webhook_url")
    assert says in error["message"]
    assert world.names() == []
    assert world.paid() == []


def test_an_owner_without_a_secret_is_told_so_before_anything_is_paid(make_world):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"alice": [secret()]})})
    answer = world.post(webhook_url="https://example.com/hook")
    assert answer.status_code == 400
    assert "WEBHOOK_SECRETS" in answer.get_json()["error"]["message"]
    assert world.names() == []


def test_the_verdict_stands_though_the_entry_cannot_be_written(world):
    world.storage.faults.add(method="POST", object="outbox/*", status=503, times=6)
    job_id = post(world, "ok")
    world.run()
    world.tick()
    assert world.job(job_id)["status"] == "completed"
    assert len(world.receivers.of(job_id)) == 1


def test_the_api_error_of_a_bad_address_never_repeats_it(world):
    with pytest.raises(ApiError) as caught:
        check_address(world.context, "local", "https://10.0.0.1/token-7731")
    assert "7731" not in str(caught.value)
