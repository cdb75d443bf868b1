"""What the checks see: lateness by load, and odd objects by their bytes."""

import random
from dataclasses import replace

from tests.simulation import poison
from tests.simulation.conditions import SKEW_S, Clocks, Conditions
from tests.simulation.invariants import Lived
from tests.simulation.lateness import beside, bound_s
from tests.world import BUCKET, World

HOUR_S = 3600.0


def test_an_account_that_stands_still_for_an_hour_is_late():
    # A usual load: six jobs, three minutes each.
    fair = bound_s([180.0] * 5, own_s=180.0, stormy=False)
    assert fair < HOUR_S + 180.0
    assert bound_s([180.0] * 5, own_s=180.0, stormy=True) < HOUR_S + 180.0


def test_the_bound_grows_with_the_load_alone():
    light, heavy = (
        bound_s([], own_s=60.0, stormy=False),
        bound_s([200.0] * 10, own_s=60.0, stormy=False),
    )
    assert light < 300 < heavy
    assert bound_s([0.0] * 2, own_s=60.0, stormy=False) > light


def test_who_was_beside_a_job():
    job = Lived("job", "first", 100.0, 200.0, 50.0)
    others = [
        job,
        Lived("before", "first", 0.0, 99.0, 50.0),
        Lived("beside", "first", 150.0, 900.0, 50.0),
        Lived("elsewhere", "second", 100.0, 200.0, 50.0),
        Lived("after", "first", 201.0, 300.0, 50.0),
    ]
    assert [one.id for one in beside(others, job, 0.0)] == ["beside"]


def test_a_touched_odd_object_is_seen(make_film):
    world = World(make_film)
    poison.put(world.bucket)
    before = poison.seen(world.storage.store, BUCKET)
    assert None not in before.values()
    assert poison.seen(world.storage.store, BUCKET) == before
    blob = world.bucket.get_blob("pending/readme.txt")
    blob.metadata = {"seen": "yes"}
    blob.patch()
    world.bucket.delete_blob("claims/first/junk")
    after = poison.seen(world.storage.store, BUCKET)
    assert {name for name in before if before[name] != after[name]} == {
        "pending/readme.txt",
        "claims/first/junk",
    }


def test_clocks_stay_inside_the_skew_and_reach_its_edge():
    pick, edge = random.Random(1), 0
    for _ in range(500):
        clocks = Clocks.draw(pick)
        own = [clocks.storage, *clocks.instances]
        inside = own if clocks.far else [*own, clocks.upstream]
        assert max(inside) - min(inside) <= SKEW_S
        edge += max(inside) - min(inside) == SKEW_S
    assert edge > 50


def test_a_world_without_a_trouble_is_the_same_world_else():
    for seed in range(50):
        world = Conditions.draw(random.Random(seed))
        assert world.without(["poison"]) == replace(world, poison=None)
