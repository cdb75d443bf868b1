"""Who may call what: keys, owners, browsers, the scheduler."""

import json

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.config import ConfigError, parse
from lib.web.auth import digest
from lib.wiring import runtime

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


def test_health_needs_no_key(closed):
    assert closed.client.get("/health").get_json() == {"status": "ok"}


def test_with_nothing_configured_nothing_is_open(make_world):
    world = make_world(env={"AUTH": "on"})
    assert world.post(headers=bearer("anything")).status_code == 401


@pytest.mark.parametrize("variable", ["AUTH", "EMULATOR_CLOCK_URL"])
def test_open_settings_are_refused_without_the_storage_emulator(variable):
    environ = {
        "BUCKET": "b",
        "DASHSCOPE_API_KEY": "k",
        variable: "off" if variable == "AUTH" else "http://c",
    }
    with pytest.raises(ConfigError, match=variable):
        parse(environ)


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


def poll(world, **headers):
    return Client(Request.application(world.service.poll)).post("/", headers=headers)


def test_a_tick_is_a_post_by_somebody_who_may(make_world):
    shut = make_world(env=CLOSED)
    assert poll(shut).status_code == 503
    named = make_world(env={**CLOSED, "POLL_AUDIENCE": "https://poll", "POLL_INVOKER": "s@x"})
    assert poll(named).status_code == 401
    assert poll(named, Authorization="Bearer not.a.token").status_code == 401
    opened = make_world()
    assert poll(opened).get_json()["object"] == "tick"
    assert Client(Request.application(opened.service.poll)).get("/").headers["Allow"] == "POST"


def test_content_redirects_to_the_film_and_its_frames(world):
    job = world.post().get_json()["id"]
    early = world.client.get(f"/v1/videos/{job}/content")
    assert (early.status_code, early.get_json()["error"]["code"]) == (409, "not_ready")
    assert early.headers["Retry-After"]
    world.run()
    for variant in ("video", "first_frame", "last_frame"):
        answer = world.client.get(f"/v1/videos/{job}/content?variant={variant}")
        assert answer.status_code == 302
        assert world.session().get(answer.headers["Location"]).status_code == 200


def test_a_json_request_by_the_names_of_other_gateways_means_the_same(world):
    from tests.web.test_bad_input import URI  # the same picture

    bodies = [
        {"first_frame": URI, "last_frame": URI},
        {"first_frame_url": URI, "last_frame_url": URI},
        {"image": URI, "last_frame": URI},
        {"images": [URI, URI]},
        {"input_reference": URI, "last_frame": URI},
    ]
    key = {"Idempotency-Key": "same"}
    ids = {
        world.client.post("/v1/videos", json=body, headers=key).get_json()["id"] for body in bodies
    }
    assert len(ids) == 1


def test_models_tell_limits_and_prices(world):
    rows = {row["id"]: row for row in world.client.get("/v1/models").get_json()["data"]}
    assert set(rows) == {"wan2.2-kf2v-flash", "wan2.1-kf2v-plus"}
    assert [tier["name"] for tier in rows["wan2.1-kf2v-plus"]["resolutions"]] == ["720P"]


def test_an_emulator_that_is_gone_is_trouble_of_a_moment(make_world):
    """Its clock is asked before anything else: no crash, the same 503 as for its bucket."""
    world = make_world(env={"EMULATOR_CLOCK_URL": "http://127.0.0.1:9/emulator/clock"})
    clock = runtime.real(world.config).now
    path = f"/v1/videos/{world.post().get_json()['id']}"
    answer = Client(Request.application(world.instance(now=clock).api)).get(path)
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "storage_unavailable"
