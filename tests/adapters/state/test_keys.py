"""Idempotency keys under races and lost answers: who bound one first, and that everybody hears the same."""

import pytest

from lib.core.outside.records import RecordUnreadable
from tests.adapters.state.test_ledger_edges import gone_when_looked_at, unheard
from tests.flows.odd import look, put
from tests.hooks import instance

KEY = "k" * 64


@pytest.fixture
def ledger(world):
    return world.context.ledger


def through(world, storage):
    """The ledger of an instance with a hook on its way to the bucket."""
    return instance(world, storage=storage).context.ledger


def test_the_first_binding_of_a_key_wins(ledger):
    first = ledger.take_key("local", KEY, "vid_one", "f1", 5.0)
    second = ledger.take_key("local", KEY, "vid_two", "f2", 6.0)
    assert (first.id, second.id) == ("vid_one", "vid_one")
    assert second == ledger.key("local", KEY) == first


def test_a_free_key_costs_one_call(world):
    calls = []

    def storage(request, send):
        calls.append(request.method)
        return send(request)

    assert through(world, storage).key("local", KEY) is None
    assert calls == ["GET"]


def test_a_key_that_is_gone_between_the_two_calls_is_bound_anew(world, ledger):
    ledger.take_key("local", KEY, "vid_old", "f1", 5.0)
    found = through(world, gone_when_looked_at(world, "keys/")).take_key(
        "local", KEY, "vid_new", "f2", 6.0
    )
    assert found.id == "vid_new"
    assert ledger.key("local", KEY) == found


def test_a_key_whose_body_is_gone_meanwhile_is_free(world, ledger):
    ledger.take_key("local", KEY, "vid_old", "f1", 5.0)

    def storage(request, send):
        if "alt=media" in request.url:
            world.bucket.blob(f"keys/local/{KEY}.json").delete()
        return send(request)

    assert through(world, storage).key("local", KEY) is None


def test_a_key_that_leads_to_no_id_is_nobodys(world, ledger):
    entry = {"schema": 1, "id": "../jobs", "fingerprint": "f1", "created_at": 5.0}
    put(world, f"keys/local/{KEY}.json", entry)
    with pytest.raises(RecordUnreadable):
        ledger.key("local", KEY)


def test_an_expired_key_is_replaced_once(ledger):
    old = ledger.take_key("local", KEY, "vid_old", "f1", 5.0)
    fresh = ledger.replace_key("local", KEY, old, "vid_new", "f2", 6.0)
    assert (fresh.id, fresh.fingerprint, fresh.created_at) == ("vid_new", "f2", 6.0)
    assert ledger.key("local", KEY) == fresh
    assert ledger.replace_key("local", KEY, old, "vid_late", "f3", 7.0) is None
    assert ledger.key("local", KEY) == fresh


def test_a_replacement_whose_answer_was_lost_is_ours(world, ledger):
    old = ledger.take_key("local", KEY, "vid_old", "f1", 5.0)
    late = through(world, unheard("POST"))
    assert late.replace_key("local", KEY, old, "vid_new", "f2", 6.0) == ledger.key("local", KEY)


def test_a_replacement_that_is_gone_again_is_nobodys(world, ledger):
    old = ledger.take_key("local", KEY, "vid_old", "f1", 5.0)
    ledger.replace_key("local", KEY, old, "vid_other", "f2", 6.0)
    late = through(world, gone_when_looked_at(world, "keys/"))
    assert late.replace_key("local", KEY, old, "vid_new", "f3", 7.0) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", {"id": "../x", "fingerprint": "f", "created_at": 1}, {"id": 7}, {}],
)
def test_a_key_that_cannot_be_read_is_nobodys_to_take(world, body):
    import hashlib  # beside its only use

    name = f"keys/local/{hashlib.sha256(b'k').hexdigest()}.json"
    put(world, name, body)
    before = look(world, name)
    answer = world.post(headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "record_unreadable")
    assert look(world, name) == before
    assert not world.paid()
    assert world.post(headers={"Idempotency-Key": "another"}).status_code == 202
