"""Accounts are served at once: none waits for the calls, the pauses or the films of another."""

import json
import threading

from lib.wiring.runtime import at_once
from tests import hooks
from tests.world import UPSTREAM

REGIONS = ("singapore", "beijing")
TOGETHER_S = 60.0  # what waits for nobody has long broken off by then


def two_accounts(make_world):
    accounts = [
        {
            "name": region,
            "region": region,
            "api_key": f"sk-local-{region}",
            "base_url": f"{UPSTREAM}/{region}/api/v1",
            "delivery": "link",
        }
        for region in REGIONS
    ]
    return make_world(env={"DASHSCOPE_ACCOUNTS": json.dumps(accounts)})


def test_two_accounts_ask_their_upstreams_at_the_same_time(make_world):
    world = two_accounts(make_world)
    both, met = threading.Barrier(len(REGIONS)), []

    def upstream(request, send):
        if hooks.is_create(request):
            both.wait(TOGETHER_S)
            met.append(request.url)
        return send(request)

    for account in REGIONS:
        gate = world.context.ledger.gate(account)
        world.context.ledger.move_gate(gate, "0" * 16, free=0)
    jobs = [world.post(prompt=f"{number}").get_json() for number in range(8)]
    assert {job["stage"] for job in jobs} == {"queued"}
    assert {job["upstream"]["region"] for job in jobs} == set(REGIONS)
    service = hooks.instance(world, upstream=upstream, together=at_once)
    service.tick()
    assert sorted({url.split("/")[3] for url in met}) == sorted(REGIONS)


def test_a_place_that_came_free_is_used_before_its_film_is_copied(make_film, make_world):
    world = make_world(draw=lambda: (1.0, 20.0))
    for number in range(3):
        world.post(prompt=f"{number}")
        world.clock.advance(2)
    order = []

    def upstream(request, send):
        if hooks.is_create(request):
            order.append("create")
        elif "/results/" in request.url or request.url.endswith(".mp4"):
            order.append("film")
        return send(request)

    service = hooks.instance(world, upstream=upstream)
    world.clock.advance(60)
    service.tick()
    assert order[0] == "create"
    assert "film" in order
