"""A rollback reads tomorrow's objects, and a roll-out yesterday's: stored things only grow."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.odd import ID, look, pending, put, read
from tests.receivers import PLACE, secret
from tests.world import START, picture

YESTERDAY = json.loads(Path(__file__).with_name("stored_without_schema.json").read_text())
WEBHOOKS = {"WEBHOOK_SECRETS": json.dumps({"local": [secret("n")]})}


# From tomorrow


def grown(value, extra):
    """A JSON value with further fields at every level but in what a caller may name freely."""
    if isinstance(value, dict):
        return {**{name: grown(below, extra) for name, below in value.items()}, **extra}
    if isinstance(value, list):
        return [grown(below, extra) for below in value]
    return value


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc²\u0000", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
extras = st.dictionaries(
    st.sampled_from(["group", "priority", "sound", "x"]), values, min_size=1, max_size=3
)
further = st.dictionaries(
    st.sampled_from(["group", "turn", "x"]), st.text("abc-", max_size=9), min_size=1
)
SCHEMAS = st.sampled_from([2, 7, 10**30, "2026-12", None])


def frames(world, body):
    for name in ("first", "last"):
        put(world, body[name]["object"], picture())


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(extra=extras, keys=further, schema=SCHEMAS)
def test_tomorrows_job_that_can_be_read_is_carried_to_its_end(make_world, extra, keys, schema):
    world = make_world(env=WEBHOOKS)
    name, body, card = pending(1, created_at=START, webhook=f"{PLACE}/ok/x")
    more = {**grown(body, extra), "schema": schema}
    more["request"] = {**body["request"], **{f"new_{key}": each for key, each in extra.items()}}
    frames(world, body)
    put(world, name, more, {**card, "schema": "7", **keys})
    job_id = more["id"]
    assert world.job(job_id)["status"] == "queued"
    world.run()
    assert world.job(job_id)["status"] == "completed"
    assert world.tick()["unreadable"] == 0
    assert [one.event["data"]["id"] for one in world.receivers.heard] == [job_id]
    assert len(world.paid()) == 1


def test_a_number_of_tomorrow_stays_while_this_revision_patches(world):
    name, body, card = pending(1, created_at=START)
    frames(world, body)
    put(world, name, {**body, "schema": 7}, {**card, "schema": "7", "group": "g"})
    held = world.context.jobs.live("local", body["id"])
    changed = world.context.jobs.patch(held, held.state.to(held.state.stage, by="b", now=START + 1))
    assert changed
    stored = look(world, name)[2]
    assert (stored["schema"], stored["group"], stored["by"]) == ("7", "g", "b")


TOMORROW = {
    "a stage": lambda body, card: (body, {**card, "stage": "rendering", "task_id": "t"}),
    "a stage of words": lambda body, card: (body, {**card, "stage": "waiting for sound"}),
    "a frame elsewhere": lambda body, card: ({**body, "first": {"uri": "gs://x"}}, card),
    "a size of three": lambda body, card: ({**body, "size": [1, 2, 3]}, card),
    "a request of parts": lambda body, card: ({**body, "request": {"parts": []}}, card),
}


@pytest.mark.parametrize("what", TOMORROW)
def test_tomorrows_job_that_cannot_be_read_is_untouched_byte_for_byte(world, what):
    name, body, card = pending(1, created_at=START)
    put(world, name, *TOMORROW[what]({**body, "schema": 7}, {**card, "schema": "7"}))
    before = look(world, name)
    mine = world.post().get_json()["id"]
    path = f"/v1/videos/{body['id']}"
    for _ in range(5):
        world.tick()
        calls = (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry"))
        answers = [world.client.open(path + rest, method=method) for method, rest in calls]
        assert {answer.status_code for answer in answers} == {503}
        listed = world.client.get("/v1/videos").get_json()["data"]
        assert [job["id"] for job in listed] == [mine]
        world.clock.advance(60)
    assert world.job(mine)["status"] == "completed"
    assert look(world, name) == before


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(extra=extras, keys=further, schema=SCHEMAS)
def test_tomorrows_finished_jobs_keys_and_tombstones_are_read(make_world, extra, keys, schema):
    world = make_world(env=WEBHOOKS)
    key = {"Idempotency-Key": "k"}
    done = world.post(headers=key, webhook_url=f"{PLACE}/ok/x").get_json()["id"]
    failed = world.post(prompt="rain #moderation").get_json()["id"]
    gone = world.post(prompt="gone").get_json()["id"]
    world.run(ticks=60)
    assert world.client.delete(f"/v1/videos/{gone}").status_code == 200
    shown = {each: world.job(each) for each in (done, failed)}
    for name in world.names("jobs/") + world.names("keys/"):
        _, _, card, body = look(world, name)
        put(world, name, {**grown(json.loads(body), extra), "schema": schema}, {**card, **keys})
    for each in (done, failed):
        now = world.job(each)
        assert {name: now[name] for name in ("status", "error", "size", "prompt")} == {
            name: shown[each][name] for name in ("status", "error", "size", "prompt")
        }
    assert world.client.get(f"/v1/videos/{gone}").status_code == 404
    assert world.post(headers=key, webhook_url=f"{PLACE}/ok/x").get_json()["id"] == done
    assert world.client.delete(f"/v1/videos/{done}").status_code == 200


def test_whatever_this_revision_makes_says_its_schema(make_world):
    world = make_world(env=WEBHOOKS)
    first = world.post(headers={"Idempotency-Key": "k"}, webhook_url=f"{PLACE}/500/x")
    gone = world.post().get_json()["id"]
    seen = {}

    def note():
        for name in world.names():
            folder = name.partition("/")[0]
            if folder in {"frames", "videos"}:
                continue
            _, _, card, body = look(world, name)
            seen.setdefault(folder, []).append(card.get("schema"))
            if folder in {"pending", "jobs", "keys"}:
                seen.setdefault(f"{folder} body", []).append(json.loads(body).get("schema"))

    for _ in range(6):
        note()
        world.tick()
        world.clock.advance(60)
    assert world.client.delete(f"/v1/videos/{gone}").status_code == 200
    note()
    assert first.status_code == 202
    assert read(world, f"jobs/local/{gone}.json") == {
        "schema": 1,
        "deleted": True,
        "id": gone,
        "at": world.clock.now(),
    }
    bodies = {"pending body": {1}, "jobs body": {1}, "keys body": {1}}
    cards = {name: {"1"} for name in ("pending", "jobs", "gates", "claims", "outbox", "accounts")}
    assert {name: set(found) for name, found in seen.items()} == {
        **bodies,
        **cards,
        "keys": {None},
    }


# From yesterday


@pytest.fixture
def yesterday(make_world):
    """A world as the revision before the schema number left it: real objects of that revision."""
    world = make_world(env=WEBHOOKS, seed=7)
    world.clock.advance(YESTERDAY["at"] - START)
    for one in YESTERDAY["objects"]:
        put(world, one["name"], one["body"].encode(), one["metadata"])
        if one["name"].startswith("pending/"):
            frames(world, json.loads(one["body"]))
    return world


def test_yesterdays_objects_are_all_read(yesterday):
    world = yesterday
    assert world.tick()["unreadable"] == 0
    assert world.job(YESTERDAY["done"])["status"] == "completed"
    assert world.job(YESTERDAY["failed"])["status"] == "failed"
    assert world.client.get(f"/v1/videos/{YESTERDAY['gone']}").status_code == 404
    listed = world.client.get("/v1/videos?limit=100").get_json()["data"]
    assert len(listed) == 6
    again = world.post(
        headers={"Idempotency-Key": "k"}, prompt="another", webhook_url=f"{PLACE}/ok/x"
    )
    assert again.status_code == 422, "the key of yesterday is known"
    state = world.client.get(f"/v1/videos/{YESTERDAY['failed']}/webhook-deliveries").get_json()
    assert state["status"] == "pending" if "status" in state else state


def test_yesterdays_jobs_are_carried_on(yesterday):
    world = yesterday
    for _ in range(30):
        world.tick()
        world.clock.advance(600)
    jobs = world.client.get("/v1/videos?limit=100").get_json()["data"]
    # The upstream of this world never saw the two that ran: their places are free after three
    # hours at the latest, and those that waited are made.
    assert sorted(job["status"] for job in jobs) == [
        *["completed"] * 3,
        "failed",
        *["in_progress"] * 2,
    ]


def test_an_id_of_this_test_is_an_id():
    from lib.core.ids import valid_id  # beside its only use

    assert valid_id(ID)
