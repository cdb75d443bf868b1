"""Claims and gates under races and lost answers: who won, and that everybody hears the same."""

import pytest

from lib.core.protocol.evidence import DISPUTED, Claim
from tests.flows.odd import put
from tests.hooks import instance, lost
from tests.world import BUCKET

ACCOUNT = "singapore"


@pytest.fixture
def ledger(world):
    return world.context.ledger


def through(world, storage):
    """The ledger of an instance with a hook on its way to the bucket."""
    return instance(world, storage=storage).context.ledger


def unheard(method):
    """A hook that lets the first write through and loses its answer."""
    met = []

    def storage(request, send):
        response = send(request)
        if request.method == method and not met:
            met.append(request)
            raise lost(request)
        return response

    return storage


def before(method, step):
    """A hook that lets somebody else do something just before the first such call."""
    met = []

    def storage(request, send):
        if request.method == method and not met:
            met.append(request)
            step()
        return send(request)

    return storage


def gone_when_looked_at(world, name):
    """A hook for which an object is gone by the time that somebody reads what beat him."""

    def storage(request, send):
        if request.method == "GET":
            for one in world.names(name):
                world.bucket.blob(one).delete()
        return send(request)

    return storage


# Claims


def test_a_task_is_claimed_once_and_for_all(ledger):
    assert ledger.claim(ACCOUNT, "t1", "vid_one", "key") == "vid_one"
    assert ledger.claim(ACCOUNT, "t1", "vid_two") == "vid_one"
    assert ledger.dispute(ACCOUNT, "t1") == "vid_one"
    assert ledger.dispute(ACCOUNT, "t2") == DISPUTED
    assert ledger.claims(ACCOUNT) == {"t1": Claim("vid_one", "key"), "t2": Claim(DISPUTED, "")}


def test_a_claim_whose_answer_was_lost_is_ours(world):
    assert through(world, unheard("POST")).claim(ACCOUNT, "t1", "vid_one") == "vid_one"


def test_a_claim_that_nobody_can_read_any_more_is_disputed(world, ledger):
    ledger.claim(ACCOUNT, "t1", "vid_other")
    late = through(world, gone_when_looked_at(world, "claims/"))
    assert late.claim(ACCOUNT, "t1", "vid_one") == DISPUTED


@pytest.mark.parametrize(
    ("card", "claim"),
    [
        ({"job": "vid_one", "key": "k"}, Claim("vid_one", "k")),
        ({"job": "vid_one"}, Claim("vid_one", "")),
        ({"job": "vid_one", "key": 7}, Claim("vid_one", "")),
        ({"job": "", "key": "k"}, Claim(DISPUTED, "k")),
        ({"job": 7}, Claim(DISPUTED, "")),
        ({}, Claim(DISPUTED, "")),
    ],
    ids=repr,
)
def test_a_claim_of_an_odd_card_is_disputed(world, ledger, card, claim):
    name = f"claims/{ACCOUNT}/t1"
    put(world, name)
    world.storage.store.buckets[BUCKET].objects[name].metadata.update(card)
    assert ledger.claims(ACCOUNT) == {"t1": claim}


# Gates and watches


def moves(world):
    """How each of the two is read and moved, and what a rival writes there."""
    return {
        "gate": ("gate", "move_gate", {"free": 1}, f"gates/{ACCOUNT}"),
        "watch": (
            "poll_lease",
            "move_poll_lease",
            {"until": world.clock.now() + 9},
            f"gates/{ACCOUNT}.watch",
        ),
    }


@pytest.fixture(params=["gate", "watch"])
def kind(request, world):
    return moves(world)[request.param]


@pytest.fixture(params=["new", "written before"])
def age(request):
    return request.param


def moved(ledger, kind, by, found=None):
    read, move, changes, _ = kind
    return getattr(ledger, move)(found or getattr(ledger, read)(ACCOUNT), by, **changes)


def test_whoever_read_it_last_moves_it_and_nobody_else(ledger, kind, age):
    if age != "new":
        moved(ledger, kind, "before")
    stale = getattr(ledger, kind[0])(ACCOUNT)
    won = moved(ledger, kind, "one", stale)
    assert won == getattr(ledger, kind[0])(ACCOUNT)
    assert moved(ledger, kind, "two", stale) is None
    assert won == getattr(ledger, kind[0])(ACCOUNT)
    assert moved(ledger, kind, "three", won) is not None


def test_a_move_whose_answer_was_lost_is_ours(world, ledger, kind, age):
    if age != "new":
        moved(ledger, kind, "before")
    late = through(world, unheard("POST" if age == "new" else "PATCH"))
    assert moved(late, kind, "one") == getattr(ledger, kind[0])(ACCOUNT)


def test_a_move_of_what_is_gone_is_nobodys(world, ledger, kind):
    stale = moved(ledger, kind, "before")
    world.bucket.blob(kind[3]).delete()
    assert moved(ledger, kind, "one", stale) is None
    assert world.names("gates/") == []


def test_a_move_whose_winner_is_gone_is_nobodys(world, ledger, kind):
    fresh = getattr(ledger, kind[0])(ACCOUNT)
    moved(ledger, kind, "another")
    late = through(world, gone_when_looked_at(world, "gates/"))
    assert moved(late, kind, "one", fresh) is None
