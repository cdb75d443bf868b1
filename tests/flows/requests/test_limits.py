"""Limits of owners in a real bucket: what is counted, for whom, and at what cost.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10 (an Internet-Draft), sections 3 and
4; their syntax is RFC 9651.
"""

import hashlib
import json

import pytest

from lib.core.catalogue import FLASH, PLUS_INTERNATIONAL
from lib.core.errors import ApiError
from lib.core.ids import new_id
from lib.core.request import VideoRequest
from lib.core.times import DAY_S
from lib.flows.requests import limits
from lib.flows.requests.submit import submit
from tests.flows.odd import ID, put
from tests.world import picture

OWNER = "local"


def table(**row):
    return {"OWNER_LIMITS": json.dumps({"*": row})}


def order(model=FLASH, resolution="480P"):
    fields = {"first_frame": picture(), "last_frame": picture(), "prompt": "p", "model": model}
    return VideoRequest.parse({**fields, "resolution": resolution})


def make(world, owner=OWNER, key=None, **fields):
    """What a create does: the limits first, then the job."""
    request = order(**fields)
    headers = limits.check(world.context, owner, request, "singapore")
    return submit(world.context, owner, request, key).job, headers


def refused(call, *args, **kwargs):
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    return caught.value


# Counting, in a real bucket


def test_jobs_of_a_day_are_counted_whatever_becomes_of_them(make_world):
    world = make_world(env=table(jobs_per_day=3))
    ended, _ = make(world)
    world.run()
    world.clock.advance(60)
    deleted, _ = make(world)
    world.run()
    assert world.client.delete(f"/v1/videos/{deleted.intent.id}").status_code == 200
    world.clock.advance(60)
    _, headers = make(world)
    assert headers["RateLimit"].startswith('"jobs_per_day";r=0;t=')
    error = refused(make, world)
    assert error.kind.code == "rate_limited"
    waits = ended.intent.created_at + DAY_S - world.clock.now()
    assert 0 <= error.retry_after_s - waits <= 1
    world.clock.advance(error.retry_after_s)
    make(world)
    assert refused(make, world).kind.status == 429


def test_running_jobs_are_counted_until_they_end(make_world):
    world = make_world(env=table(jobs_running=2))
    make(world)
    make(world)
    error = refused(make, world)
    assert "jobs_running: 2 jobs have not ended, 2 are allowed" in error.message
    assert 5 <= error.retry_after_s <= 600
    world.run()
    _, headers = make(world)
    assert headers == {
        "RateLimit-Policy": '"jobs_running";q=2;qu="concurrent-requests"',
        "RateLimit": '"jobs_running";r=1',
    }


def test_one_owners_jobs_are_not_anothers(make_world):
    world = make_world(env=table(jobs_per_day=1, jobs_running=1))
    for owner in ("alice", "bob", "ali", "alice-2"):
        make(world, owner)
        assert refused(make, world, owner).kind.status == 429


def test_money_is_counted_by_the_price_table_and_what_is_not_billed_is_free(make_world):
    world = make_world(env=table(spend_per_day="8 CNY", unpriced_job="1.50 CNY"))
    dear = {"model": PLUS_INTERNATIONAL, "resolution": "720P"}
    make(world, **dear)
    _, headers = make(world, **dear)  # 7.33924 CNY
    assert headers["RateLimit-Policy"] == '"spend_per_day";q=800;qu="CNY/100";w=86400'
    assert headers["RateLimit"].startswith('"spend_per_day";r=66;t=')
    error = refused(make, world)
    assert "cost 7.33924 CNY, 8 are allowed and this one costs 1.5;" in error.message
    world.run()
    assert refused(make, world).kind.status == 429
    too_dear = make_world(env=table(spend_per_day="3 CNY", unpriced_job="1 CNY"))
    assert refused(make, too_dear, **dear).kind.code == "forbidden"
    make(too_dear)


def test_what_is_not_billed_costs_nothing(make_world):
    world = make_world(env=table(spend_per_day="3 CNY", unpriced_job="3 CNY"))
    world.upstream.faults.add(operation="create", kind="rate", times=99)
    waiting, _ = make(world)
    assert refused(make, world).kind.status == 429
    assert world.client.post(f"/v1/videos/{waiting.intent.id}/cancel").status_code == 200
    world.upstream.faults.clear()
    world.run()
    make(world)


def test_records_without_a_tariff_count_as_unpriced(make_world):
    """As an older version of this service wrote them."""
    world = make_world(env=table(spend_per_day="3 CNY", unpriced_job="3 CNY"))
    world.bucket.blob(
        f"jobs/{OWNER}/{new_id(world.clock.now(), '0' * 16)}.json"
    ).upload_from_string("{}")
    assert refused(make, world).kind.status == 429


def test_an_id_kept_by_a_refused_key_is_no_way_around(make_world):
    """A key that was refused keeps its old id; its job counts from when it was accepted."""
    world = make_world(env=table(jobs_per_day=1))
    key, request = "kept", order()
    old = new_id(world.clock.now(), "0" * 16)
    hashed = hashlib.sha256(key.encode()).hexdigest()
    world.context.ledger.take_key(OWNER, hashed, old, request.fingerprint(OWNER), world.clock.now())
    world.clock.advance(DAY_S - 60)
    job, _ = make(world, key=key)
    assert job.intent.id == old
    world.run()
    world.clock.advance(600)
    error = refused(make, world)
    assert 0 <= error.retry_after_s - (job.intent.created_at + DAY_S - world.clock.now()) <= 1


@pytest.mark.parametrize(
    ("row", "lists"),
    [
        ({}, {}),
        ({"jobs_running": 4}, {"objects.list": 1}),
        ({"jobs_per_day": 5}, {"objects.list": 2}),
    ],
)
def test_counting_costs_at_most_two_lists_however_long_the_history(make_world, row, lists):
    world = make_world(env=table(**row))
    for days in (3, 4, 5, 400):
        name = f"jobs/{OWNER}/{new_id(world.clock.now() - days * DAY_S, '0' * 16)}.json"
        world.bucket.blob(name).upload_from_string("never read")
    world.storage.traffic.clear()
    headers = limits.check(world.context, OWNER, order(), "singapore")
    assert world.storage.traffic.counts() == lists
    assert bool(headers) == bool(row)
    assert ";r=5" not in headers.get("RateLimit", "")


def test_limits_count_what_can_be_read(make_world):
    limits = {
        "local": {
            "jobs_per_day": 2,
            "jobs_running": 9,
            "spend_per_day": "9 USD",
            "unpriced_job": "3 USD",
        }
    }
    world = make_world(env={"OWNER_LIMITS": json.dumps(limits)})
    card = {"status": "expired", "accepted": "1e400", "tariff": "?", "paid": "?"}
    put(world, "jobs/local/" + "!" * 31 + ".json", b"{", card)
    put(world, f"jobs/local/vid_A{'1' * 26}.json", b"{", card)
    put(world, f"pending/local/{ID}.json", b"{", {})
    answers = [world.post(prompt=f"film {number}").status_code for number in range(3)]
    assert answers == [202, 202, 429]
