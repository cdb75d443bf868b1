"""Limits of owners: what a row may say, who passes, what is counted, when a place frees.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10 (an Internet-Draft), sections 3 and
4; their syntax is RFC 9651.
"""

import hashlib
import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.config import ConfigError
from lib.core import limits as rules
from lib.core.catalogue import FLASH, PLUS_INTERNATIONAL, Money
from lib.core.errors import ApiError
from lib.core.ids import made_at, new_id
from lib.core.limits import OwnerLimits
from lib.core.quota import Made, judge
from lib.core.request import VideoRequest
from lib.core.times import DAY_S
from lib.flows.requests import limits
from lib.flows.requests.submit import submit
from tests.world import picture

NOW = 1_780_000_000.0
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


# Settings


def test_rows_take_over_what_they_do_not_say_and_null_lifts_it():
    rows = rules.parse(
        {"*": {"jobs_per_day": 5, "jobs_running": 2}, "alice": {"jobs_per_day": None}, "bob": {"jobs_per_day": 9}},
        ["singapore"],
    )  # fmt: skip
    assert rules.of(rows, "alice") == OwnerLimits(None, 2)
    assert rules.of(rows, "bob") == OwnerLimits(9, 2)
    assert rules.of(rows, "anybody") == OwnerLimits(5, 2)
    assert rules.of({}, "anybody") == OwnerLimits()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"jobs_per_week": 1}, "is no limit"),
        ({"jobs_per_day": 0}, "revoke their keys"),
        ({"jobs_per_day": -1}, "from 1 to"),
        ({"jobs_per_day": True}, "whole number"),
        ({"jobs_per_day": "5"}, "whole number"),
        ({"jobs_running": 1.5}, "whole number"),
        ({"spend_per_day": 20}, "20 CNY"),
        ({"spend_per_day": "20"}, "20 CNY"),
        ({"spend_per_day": "0 CNY"}, "20 CNY"),
        ({"spend_per_day": "-1 CNY"}, "20 CNY"),
        ({"spend_per_day": "1e3 CNY"}, "20 CNY"),
        ({"spend_per_day": "20 CNY"}, "unpriced_job"),
        ({"spend_per_day": "20 USD", "unpriced_job": "1 CNY"}, "must be in USD"),
        ([], "JSON object"),
    ],
)
def test_a_row_that_cannot_be_a_limit_stops_the_start(make_world, row, says):
    with pytest.raises(ConfigError, match="OWNER_LIMITS: .*" + re.escape(says)):
        make_world(env={"OWNER_LIMITS": json.dumps({"*": row})})


def test_where_every_price_is_known_no_unpriced_job_is_asked_for():
    assert rules.parse({"a": {"spend_per_day": "20 CNY"}}, ["beijing"])["a"].unpriced_job is None


def test_a_price_is_the_tables_and_the_rest_counts_as_configured():
    spending = OwnerLimits(
        spend_per_day=Money(Decimal(20), "CNY"), unpriced_job=Money(Decimal(3), "CNY")
    )
    assert rules.cost(spending, "beijing/wan2.2-kf2v-flash/480P") == Decimal("0.50")
    assert rules.cost(spending, f"singapore/{PLUS_INTERNATIONAL}/720P") == Decimal("3.669620")
    assert rules.cost(spending, f"singapore/{FLASH}/480P") == Decimal(3)
    assert rules.cost(spending, "") == Decimal(3)
    known = OwnerLimits(spend_per_day=Money(Decimal(20), "CNY"))
    assert rules.cost(known, "gone/model/720P") == Decimal("3.669620")  # the dearest there is
    assert rules.cost(OwnerLimits(jobs_per_day=1), "") == 0


# Judgement: rules over any history

FEW = st.lists(st.floats(NOW - 2 * DAY_S, NOW), max_size=12)


@given(FEW, st.integers(1, 8))
def test_a_day_never_holds_more_jobs_than_allowed_and_the_place_frees_when_it_is_said(ats, quota):
    bound, made = OwnerLimits(jobs_per_day=quota), [Made(at) for at in ats]
    used = sum(at > NOW - DAY_S for at in ats)
    if used < quota:
        headers = judge(bound, made, rules.FREE, NOW)
        assert headers["RateLimit"].startswith(f'"jobs_per_day";r={quota - used - 1};t=')
        return
    error = refused(judge, bound, made, rules.FREE, NOW)
    assert (error.kind.status, error.headers["RateLimit"].split(";")[1]) == (429, "r=0")
    assert 1 <= error.retry_after_s <= DAY_S + 1
    judge(bound, made, rules.FREE, NOW + error.retry_after_s)
    if error.retry_after_s > 1:
        refused(judge, bound, made, rules.FREE, NOW + error.retry_after_s - 1.001)


PAID = st.lists(
    st.tuples(st.floats(NOW - 2 * DAY_S, NOW), st.decimals(0, 5, places=3)), max_size=12
)


@given(PAID, st.decimals("0.001", 9, places=3), st.decimals(1, 9, places=2))
def test_a_day_never_costs_more_than_allowed_and_the_money_frees_when_it_is_said(paid, price, most):
    bound, made = (
        OwnerLimits(spend_per_day=Money(most, "CNY")),
        [Made(at, cost=c) for at, c in paid],
    )
    if price > most:
        error = refused(judge, bound, made, price, NOW)
        assert (error.kind.status, error.retry_after_s) == (403, None)
        return
    used = sum((c for at, c in paid if at > NOW - DAY_S), Decimal(0))
    if used + price <= most:
        left = int(re.search(r"r=(\d+)", judge(bound, made, price, NOW)["RateLimit"])[1])
        assert left == int((most - used - price) * 100)
        return
    error = refused(judge, bound, made, price, NOW)
    assert error.kind.status == 429
    judge(bound, made, price, NOW + error.retry_after_s)
    if error.retry_after_s > 1:
        refused(judge, bound, made, price, NOW + error.retry_after_s - 1.001)


def test_several_limits_are_all_named_and_the_latest_counts():
    bound = OwnerLimits(jobs_per_day=1, jobs_running=1)
    error = refused(judge, bound, [Made(NOW - 60, live=True, ends_at=NOW + 30)], rules.FREE, NOW)
    assert "jobs_per_day: 1 jobs were accepted in the last 24 hours, 1 are allowed" in error.message
    assert "jobs_running: 1 jobs have not ended, 1 are allowed" in error.message
    assert error.retry_after_s == DAY_S - 60
    assert error.headers == {
        "RateLimit-Policy": '"jobs_per_day";q=1;w=86400, "jobs_running";q=1;qu="concurrent-requests"',
        "RateLimit": '"jobs_per_day";r=0;t=86340, "jobs_running";r=0;t=30',
    }


@pytest.mark.parametrize(("ends_in", "told"), [(-500, 5), (1, 5), (90, 90), (9999, 600)])
def test_when_a_running_job_ends_is_a_guess_and_told_within_bounds(ends_in, told):
    made = [Made(NOW - 600, live=True, ends_at=NOW + ends_in)]
    assert refused(judge, OwnerLimits(jobs_running=1), made, rules.FREE, NOW).retry_after_s == told


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


@given(st.integers(0, (1 << 44) - 1))
def test_an_id_tells_its_time_as_it_was_made(milliseconds):
    assert abs(made_at(new_id(milliseconds / 1000, "0" * 16)) - milliseconds / 1000) < 0.0011


def test_a_name_that_is_no_id_is_passed_over():
    assert made_at("readme") is None
    assert made_at("vid_A" + "1" * 26) is None
