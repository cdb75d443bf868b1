"""The table of calls: each once, and open to strangers only where nothing of anybody's is told."""

from collections import Counter


def test_no_call_stands_twice(world):
    calls = Counter((route.method, route.path) for route in world.service.api.routes)
    assert max(calls.values()) == 1


def test_without_a_key_there_is_health_and_the_contract_and_nothing_else(world):
    public = {route.path for route in world.service.api.routes if route.public}
    assert public == {"/health", "/ready", "/openapi.json", "/docs"}
    assert all(route.method == "GET" for route in world.service.api.routes if route.public)
