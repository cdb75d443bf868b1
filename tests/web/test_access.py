"""Who may call what: strangers, owners, browsers, and a service that nobody configured."""

import json

import pytest

from lib.web.auth import digest

KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}
CLOSED = {"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)}


@pytest.fixture
def closed(make_world):
    return make_world(env=CLOSED)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "header", [{}, bearer("nope"), bearer(""), {"Authorization": "Basic eA=="}]
)
def test_a_stranger_gets_401_and_nothing_is_paid(closed, header):
    answer = closed.post(headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert closed.paid() == []


def test_an_owner_sees_what_is_theirs_and_another_cannot_tell_it_from_nothing(closed):
    job = closed.post(headers=bearer("key-a")).get_json()["id"]
    path = f"/v1/videos/{job}"
    assert closed.client.get(path, headers=bearer("key-a")).status_code == 200
    foreign = closed.client.get(path, headers=bearer("key-b")).get_json()
    missing = closed.client.get(path[:-1] + "0", headers=bearer("key-b")).get_json()
    for body in (foreign, missing):
        body.pop("instance")
        body["error"].pop("request_id")
    assert foreign == missing


def test_with_nothing_configured_nothing_is_open(make_world):
    world = make_world(env={"AUTH": "on"})
    assert world.post(headers=bearer("anything")).status_code == 401


def test_a_preflight_is_answered_for_a_configured_origin_only(make_world):
    world = make_world(env={**CLOSED, "ALLOWED_ORIGINS": "https://app.example"})
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    ours = world.client.options("/v1/videos", headers={"Origin": "https://app.example", **asked})
    theirs = world.client.options("/v1/videos", headers={"Origin": "https://evil.example", **asked})
    assert ours.status_code == theirs.status_code == 204
    assert ours.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "POST" in ours.headers["Access-Control-Allow-Methods"]
    assert not [name for name, _ in theirs.headers if name.startswith("Access-Control-Allow")]
