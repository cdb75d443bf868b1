"""How the upstream's list calls our keys: what is kept of it, for how long, and within which bounds."""

import pytest

from tests.flows.odd import put
from tests.hooks import instance
from tests.world import BUCKET

ACCOUNT, KEY = "singapore", "abcdefabcdef"
EIGHT = frozenset("12345678")


@pytest.fixture
def calls():
    return []


@pytest.fixture
def fresh(world, calls):
    """Instances without a memory, over one bucket."""

    def storage(request, send):
        calls.append(request.method)
        return send(request)

    return lambda: instance(world, storage=storage).context.accounts


def card(world):
    return world.bucket.get_blob(f"accounts/{ACCOUNT}").metadata


def test_what_was_learnt_is_known_to_every_instance_and_asked_for_once(fresh, calls):
    first = fresh()
    first.learn(ACCOUNT, KEY, frozenset({"77"}))
    calls.clear()
    assert first.key_ids(ACCOUNT, KEY) == {"77"}
    assert calls == [], "the learner knows it"
    second = fresh()
    for _ in range(3):
        assert second.key_ids(ACCOUNT, KEY) == {"77"}
    assert calls == ["GET"]
    assert second.key_ids(ACCOUNT, "another") == set()


def test_what_nobody_has_learnt_yet_may_be_learnt_by_somebody_else(fresh):
    first = fresh()
    assert first.key_ids(ACCOUNT, KEY) == set()
    fresh().learn(ACCOUNT, KEY, frozenset({"77"}))
    assert first.key_ids(ACCOUNT, KEY) == {"77"}


def test_keys_of_one_account_are_kept_beside_each_other(world, fresh):
    fresh().learn(ACCOUNT, KEY, frozenset({"77"}))
    fresh().learn(ACCOUNT, "other", frozenset({"99"}))
    fresh().learn(ACCOUNT, KEY, frozenset({"78"}))
    assert fresh().key_ids(ACCOUNT, KEY) == {"77", "78"}
    assert fresh().key_ids(ACCOUNT, "other") == {"99"}
    assert card(world) == {f"key_{KEY}": "77,78", "key_other": "99", "schema": "1"}


def test_what_is_known_is_not_written_again(world, fresh, calls):
    fresh().learn(ACCOUNT, KEY, frozenset({"77", "78"}))
    calls.clear()
    for ids in ({"77", "78"}, {"77"}, set()):
        fresh().learn(ACCOUNT, KEY, frozenset(ids))
    assert set(calls) == {"GET"}


@pytest.mark.parametrize("name", ["7" * 101, "7,8", "7" * 101 + ","])
def test_a_name_that_is_none_is_not_learnt(world, fresh, name):
    fresh().learn(ACCOUNT, KEY, frozenset({name}))
    assert world.names("accounts/") == []
    fresh().learn(ACCOUNT, KEY, frozenset({name, "7" * 100}))
    assert fresh().key_ids(ACCOUNT, KEY) == {"7" * 100}


def test_a_service_that_gives_more_than_eight_names_does_not_name_keys_by_them(fresh):
    fresh().learn(ACCOUNT, KEY, EIGHT)
    assert fresh().key_ids(ACCOUNT, KEY) == EIGHT
    fresh().learn(ACCOUNT, KEY, frozenset({"9"}))
    assert fresh().key_ids(ACCOUNT, KEY) == EIGHT
    fresh().learn("second", KEY, frozenset("123456789"))
    assert fresh().key_ids("second", KEY) == set()


def test_an_odd_card_teaches_nothing_and_a_long_one_no_more_than_eight(world, fresh):
    blob = world.bucket.blob(f"accounts/{ACCOUNT}")
    blob.metadata = {f"key_{KEY}": ",".join("123456789")}
    blob.upload_from_string(b"")
    assert fresh().key_ids(ACCOUNT, KEY) == EIGHT
    assert fresh().key_ids(ACCOUNT, "other") == set()


def test_metadata_of_another_type_teaches_nothing(world, fresh):
    put(world, f"accounts/{ACCOUNT}")
    world.storage.store.buckets[BUCKET].objects[f"accounts/{ACCOUNT}"].metadata[f"key_{KEY}"] = 7
    assert fresh().key_ids(ACCOUNT, KEY) == set()


def test_whoever_loses_the_write_looks_again_at_the_next_list(world, fresh):
    rivals = []

    def storage(request, send):
        if request.method in {"POST", "PATCH"} and not rivals:
            rivals.append(request.method)
            fresh().learn(ACCOUNT, KEY, frozenset({"99"}))
        return send(request)

    late = instance(world, storage=storage).context.accounts
    late.learn(ACCOUNT, KEY, frozenset({"77"}))
    assert late.key_ids(ACCOUNT, KEY) == {"99"}
    late.learn(ACCOUNT, KEY, frozenset({"77"}))
    assert fresh().key_ids(ACCOUNT, KEY) == {"77", "99"}


def test_settled_tasks_are_remembered_by_account(fresh):
    accounts = fresh()
    assert not accounts.settled(ACCOUNT, "t1")
    accounts.settle(ACCOUNT, ["t1", "t2"])
    accounts.settle(ACCOUNT, ["t3"])
    assert [accounts.settled(ACCOUNT, task) for task in ("t1", "t2", "t3", "t4")] == [
        True,
        True,
        True,
        False,
    ]
    assert not accounts.settled("second", "t1")


def test_the_memory_of_settled_tasks_is_bounded(fresh):
    accounts = fresh()
    accounts.settle(ACCOUNT, map(str, range(20_000)))
    accounts.settle(ACCOUNT, ["one more"])
    assert accounts.settled(ACCOUNT, "0")
    accounts.settle(ACCOUNT, ["the next"])
    assert not accounts.settled(ACCOUNT, "0")
    assert accounts.settled(ACCOUNT, "the next")
