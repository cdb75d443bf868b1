"""The service is put together from its settings: once, with what they say, and refused where they are wrong."""

import threading

import pytest

from lib.config import ConfigError
from lib.wiring.building import once


def test_something_is_made_once_however_many_ask_at_the_same_time():
    made, begun = [], threading.Barrier(8)
    get = once(lambda: made.append(object()) or made[-1])
    got = []

    def ask():
        begun.wait()
        got.append(get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert {id(one) for one in got} == {id(made[0])}


def test_what_could_not_be_made_is_tried_again():
    tries = iter([ConfigError("not yet"), "made"])

    def make():
        result = next(tries)
        if isinstance(result, Exception):
            raise result
        return result

    get = once(make)
    with pytest.raises(ConfigError):
        get()
    assert get() == get() == "made"


@pytest.mark.parametrize(("off_s", "corrected_s"), [(6.0, 6.0), (-6.0, -6.0), (120.0, 10.0)])
def test_the_buckets_clock_corrects_the_services_within_bounds(make_world, off_s, corrected_s):
    """Instances whose machines differ count by the clock of the one bucket, told to the second."""
    world = make_world(storage_off_s=off_s)
    world.post()
    assert world.context.now() - world.clock.now() == pytest.approx(corrected_s, abs=1.0)


def test_settings_reach_what_they_are_for(make_world):
    env = {"SIGNED_URL_TTL_S": "900", "TICK_BUDGET_S": "20", "FIRST_LOOK_S": "7"}
    world = make_world(env=env)
    times = world.context.times
    assert (times.tick_budget_s, times.first_look_s) == (20.0, 7.0)
    link = world.context.artifacts.link("a")
    assert link.expires_at - world.context.now() == pytest.approx(900, abs=1)
    assert set(world.context.upstreams) == {"singapore"}
    with pytest.raises(ConfigError, match="WEBHOOK_SECRETS: "):
        make_world(env={"WEBHOOK_SECRETS": '{"alice": ["whsec_short"]}'})
