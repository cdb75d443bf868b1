"""Uploads count in their owner's limits, in both dialects: 429 with a time to come back, and nothing is stored."""

import json
import threading

import pytest

from lib import config
from lib.config.owners import DEFAULT_LIMITS
from lib.core import limits as rules
from lib.web.auth import digest
from tests.web.compat import test_uploads as compat
from tests.world import picture

KEYS = {name: [f"s:{digest('s', f'key-{name}')}"] for name in ("alice", "bob")}
DAY_S = 24 * 3600
LINK_S = 15 * 60
STATEMENT = "uploads_per_day: 3 files may be uploaded in 24 hours"


@pytest.fixture
def world(make_world):
    limits = {"*": {"uploads_per_day": 3}, "bob": {"uploads_per_day": None}}
    on = {"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS), "OWNER_LIMITS": json.dumps(limits)}
    return make_world(env=on)


def header(owner):
    return {"Authorization": f"Bearer key-{owner}"}


def opened(world, owner="alice"):
    order = {"content_type": "image/png"}
    return world.client.post("/v1/uploads", json=order, headers=header(owner))


def put(world, upload):
    with world.session() as web:
        return web.put(upload["url"], data=picture(), headers=upload["headers"]).status_code


def test_links_count_before_their_files_come_and_no_longer_than_they_live(world):
    assert [opened(world).status_code for _ in range(4)] == [201, 201, 201, 429]
    refused = opened(world)
    assert STATEMENT in refused.get_json()["detail"]
    assert refused.get_json()["error"]["code"] == "rate_limited"
    assert refused.headers["Retry-After"] == str(LINK_S)
    world.clock.advance(LINK_S)
    assert opened(world).status_code == 201


def test_files_count_for_a_day_and_in_every_instance(world):
    for _ in range(3):
        assert put(world, opened(world).get_json()) == 200
    other = world.instance()
    world.client = type(world.client)(compat_app(other))
    refused = opened(world)
    assert refused.status_code == 429
    assert DAY_S - 60 < int(refused.headers["Retry-After"]) <= DAY_S
    world.clock.advance(int(refused.headers["Retry-After"]))
    assert opened(world).status_code == 201


def compat_app(service):
    from werkzeug.wrappers import Request

    return Request.application(service.api)


def test_one_file_is_counted_once_and_other_owners_count_for_themselves(world):
    upload = opened(world).get_json()
    put(world, upload)
    assert [opened(world).status_code for _ in range(3)] == [201, 201, 429]
    assert [opened(world, "bob").status_code for _ in range(5)] == [201] * 5


def test_many_at_one_moment_get_no_more_than_the_limit(world):
    statuses, start = [], threading.Barrier(8)

    def work():
        start.wait()
        statuses.append(opened(world).status_code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(201), statuses.count(429)) == (3, 5)


def test_forms_of_one_policy_count_one_by_one_and_are_refused_in_xml(world):
    rules_of_form = compat.policy(world, header("alice"))["data"]
    for name in ("a.png", "b.png", "c.png"):
        assert compat.post(world, compat.form(rules_of_form, name)).status_code == 200
    refused = compat.post(world, compat.form(rules_of_form, "d.png"))
    assert compat.refusal(refused) == (429, "Throttling")
    assert 0 < int(refused.headers["Retry-After"]) <= DAY_S
    assert STATEMENT in refused.text
    assert len(world.names("uploads/")) == 3
    # The same file again is no other one.
    assert compat.post(world, compat.form(rules_of_form, "c.png")).status_code == 200


def test_no_policy_is_given_for_a_form_that_would_be_refused(world):
    for _ in range(3):
        put(world, opened(world).get_json())
    path = "/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash"
    answer = world.client.get(path, headers=header("alice"))
    assert (answer.status_code, answer.json["code"]) == (429, "Throttling")
    assert STATEMENT in answer.json["message"]
    assert int(answer.headers["Retry-After"]) > 0


def test_without_limits_no_list_is_made(make_world):
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})
    before = len(world.storage.traffic.log())
    assert opened(world).status_code == 201
    assert len(world.storage.traffic.log()) == before


def parsed(**environ):
    base = {
        "BUCKET": "b",
        "DASHSCOPE_API_KEY": "k",
        **{name: value for name, value in environ.items() if value is not None},
    }
    return rules.parse(config.parse(base).owner_limits, ["singapore"])


def test_whoever_is_not_limited_is_limited_all_the_same():
    for settings in ({}, {"OWNER_LIMITS": "{}"}, {"OWNER_LIMITS": '{"bob": {}}'}):
        limits = rules.of(parsed(**settings), "alice")
        found = {name: getattr(limits, name) for name in DEFAULT_LIMITS}
        assert found == dict(DEFAULT_LIMITS)


def test_an_owner_can_be_given_more_or_none():
    table = {"alice": {"jobs_per_day": 5000}, "bob": {"jobs_running": None}}
    limits = parsed(OWNER_LIMITS=json.dumps(table))
    assert rules.of(limits, "alice").jobs_per_day == 5000
    assert rules.of(limits, "alice").jobs_running == DEFAULT_LIMITS["jobs_running"]
    assert rules.of(limits, "bob").jobs_running is None
    lifted = parsed(OWNER_LIMITS=json.dumps({"*": dict.fromkeys(DEFAULT_LIMITS)}))
    assert not rules.of(lifted, "anybody").any
    assert rules.of(lifted, "anybody").uploads_per_day is None


def test_on_the_storage_emulator_nothing_is_limited():
    assert parsed(STORAGE_EMULATOR_HOST="http://127.0.0.1:9") == {}


def test_the_papers_reckon_what_a_day_can_cost():
    from lib.core import catalogue

    prices = [price for model in catalogue.MODELS for price in model.price_per_s.values() if price]
    dearest = max(price.amount for price in prices) * catalogue.SECONDS
    assert round(dearest * DEFAULT_LIMITS["jobs_per_day"]) == 367
