"""A tick ends by its deadline, whatever there is to do, and the next one goes on where it stopped."""

import json

import pytest

from tests.flows.odd import pending, put
from tests.receivers import PLACE, secret
from tests.world import BUCKET, START, STORAGE, picture

BUDGET_S = 50.0
STEP_S = 45.0  # one step: its calls of 5 s each, and what comes after the deadline whatever happens
CALL_S = 0.05  # what a call to the bucket takes in these worlds


class Slow:
    """A transport whose every call takes time on the world's clock.

    Args:
        inner: the transport.
        advance: moves the clock.
        seconds: for each call.
    """

    def __init__(self, inner, advance, seconds):
        self._inner, self._advance, self._s = inner, advance, seconds

    def send(self, request, **options):
        """Answer one prepared request."""
        self._advance(self._s)
        return self._inner.send(request, **options)

    def close(self):
        """Nothing is held open."""


def slow(world, seconds=CALL_S):
    """An instance for which every call to the bucket takes time."""

    def connect():
        session = world.session()
        wire = Slow(session.get_adapter(STORAGE), world.clock.advance, seconds)
        session.mount(STORAGE, wire)
        return session

    return world.instance(connect=connect)


def tick(world, service):
    """One tick; it must end in time. The next one may begin a minute after it."""
    began = world.clock.now()
    summary = service.tick()
    took_s = world.clock.now() - began
    assert took_s <= BUDGET_S + STEP_S, took_s
    world.clock.advance(max(0.0, 60 - took_s))
    return summary


def many(world, count, owner="local", first=1, **fields):
    names = []
    for number in range(first, first + count):
        name, body, card = pending(number, owner, created_at=START, **fields)
        put(world, name, body, card)
        names.append(name)
    return names


def test_1500_jobs_whose_deadline_is_over_end_over_ticks_and_a_new_one_is_made_meanwhile(world):
    names = many(world, 1500)
    world.clock.advance(25 * 3600)
    fresh = world.post().get_json()["id"]
    service = slow(world)
    left = []
    for _ in range(20):
        tick(world, service)
        left.append(len(set(world.names("pending/")) & set(names)))
        if not left[-1]:
            break
    assert left[0] > 1000, "one tick has no time for all"
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert world.job(fresh)["status"] == "completed"


def test_10000_pending_jobs_all_make_progress(world):
    names = many(world, 10_000, stage="cancelled")
    objects = world.storage.store.buckets[BUCKET].objects
    service = slow(world, 0.02)
    for _ in range(3):
        tick(world, service)
    done = [name for name in names if name not in objects]
    assert 500 < len(done) < 9000
    # Where one tick stopped, the next began: what is done is one stretch of the names.
    assert {name for name in objects if name.startswith("pending/")} == set(names[len(done) :])


def test_a_tick_of_another_instance_goes_on_where_the_last_one_stopped(world):
    names = many(world, 600, stage="running", task_id="none", accepted_at=repr(START))
    world.clock.advance(20 * 3600)
    asked = [tick(world, slow(world)).get("gets", 0) for _ in range(5)]
    assert max(asked) < len(names), "one tick has no time for all"
    world.clock.advance(5 * 3600)
    for _ in range(12):
        tick(world, slow(world))
    # Nobody knows these tasks, and their day is over: each job has had its turn.
    assert not world.names("pending/")


def test_accounts_have_their_turns(make_world):
    keys = {"singapore": ["sk-local-singapore", "sk-second"]}
    accounts = [
        {"name": name, "region": "singapore", "api_key": key, "base_url": url}
        for name, key, url in (
            ("first", "sk-local-singapore", "http://127.0.0.1:9002/singapore/api/v1"),
            ("second", "sk-second", "http://127.0.0.1:9002/singapore/api/v1"),
        )
    ]
    world = make_world(keys=keys, env={"DASHSCOPE_ACCOUNTS": json.dumps(accounts)})
    many(world, 400, account="first", stage="running", task_id="none", accepted_at=repr(START))
    world.clock.advance(20 * 3600)
    name, body, card = pending(
        1, "zoe", created_at=world.clock.now() - 1, account="second", region="singapore"
    )
    put(world, name, {**body, "account": "second"}, card)
    for frame in ("first", "last"):
        put(world, body[frame]["object"], picture())
    service = slow(world)
    for _ in range(6):
        tick(world, service)
    assert name not in world.names("pending/zoe/")


@pytest.mark.parametrize("jobs", [0, 300])
def test_webhooks_are_told_over_ticks_and_beside_much_other_work(make_world, jobs):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret("n")]})})
    told = [world.post(webhook_url=f"{PLACE}/ok/x").get_json()["id"]]
    if jobs:
        many(
            world, jobs, first=10, stage="running", task_id="none", accepted_at=repr(START - 72000)
        )
    service = slow(world)
    for _ in range(8):
        tick(world, service)
    assert [one.event["data"]["id"] for one in world.receivers.heard] == told


def test_a_slow_bucket_makes_no_tick_longer(world):
    for number in range(5):
        world.post(prompt=f"film {number}")
    service = slow(world, 5.0)
    for _ in range(3):
        tick(world, service)


def test_a_cursor_that_is_junk_costs_nothing_but_fairness(world):
    put(world, "gates/tick.cursor", b"?", {"at": "1e400", "mend": "~" * 3000, "account": "gone"})
    job_id = world.post().get_json()["id"]
    world.post(prompt="another")
    world.run()
    assert world.job(job_id)["status"] == "completed"


def test_an_idle_tick_costs_one_list(world):
    calls = []

    def connect():
        session = world.session()
        inner = session.get_adapter(STORAGE)

        class Noted:
            def send(self, request, **options):
                calls.append((request.method, request.url))
                return inner.send(request, **options)

            def close(self):
                pass

        session.mount(STORAGE, Noted())
        return session

    put(world, "pending/readme.txt")
    world.instance(connect=connect).tick()
    assert len(calls) == 1
