"""What the service says of itself: models, health, whether it is ready."""

import json

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.web.auth import digest
from tests import hooks
from tests.world import World


def test_ready_says_whether_the_bucket_answers_and_asks_it_seldom(make_film):
    world = World(make_film)
    assert world.client.get("/ready").get_json() == {"status": "ready"}
    world.storage.faults.add(method="LIST", object="gates/", status=503, times=100)
    assert world.client.get("/ready").status_code == 200
    world.clock.advance(11)
    answer = world.client.get("/ready")
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "storage_unavailable"
    assert world.client.get("/health").status_code == 200


def test_while_the_bucket_fails_it_is_asked_once_a_second_whoever_calls(make_film):
    world, asked = World(make_film), []

    def storage(request, send):
        asked.append(request.url)
        return hooks.refused(request, 503)

    client = Client(Request.application(hooks.instance(world, storage=storage).api))
    answers = [client.get("/ready") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {503}
    tries, asked[:] = len(asked), []
    assert {answer.get_json()["error"]["code"] for answer in answers} == {"storage_unavailable"}
    world.clock.advance(1)
    assert client.get("/ready").status_code == 503
    assert len(asked) == tries


KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}


CLOSED = {"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)}


@pytest.fixture
def closed(make_world):
    return make_world(env=CLOSED)


def test_health_needs_no_key(closed):
    assert closed.client.get("/health").get_json() == {"status": "ok"}


def test_models_tell_limits_and_prices(world):
    rows = {row["id"]: row for row in world.client.get("/v1/models").get_json()["data"]}
    assert set(rows) == {"wan2.2-kf2v-flash", "wan2.1-kf2v-plus"}
    assert [tier["name"] for tier in rows["wan2.1-kf2v-plus"]["resolutions"]] == ["720P"]
