"""Times that cannot be trusted, at their edges: who waits, who is told, how often the upstream is asked."""

from email.utils import formatdate

import pytest

from lib.core.jobs.job import Stage
from lib.flows.tasks import clocks
from tests.flows.tasks.stored import ACCOUNT, Script, again, job, tick_state


def shown(clock, now, off_s):
    """Let a service's clock be certainly so far ahead of ours."""
    clock.note(formatdate(now + off_s, usegmt=True), now, now)


@pytest.mark.parametrize(("off_s", "off"), [(0, False), (10, False), (11, True), (-12, True)])
def test_a_machine_is_off_when_the_bucket_is_further_away_than_two_clocks_may_be(world, off_s, off):
    shown(world.context.bucket_clock, world.clock.now(), off_s)
    assert clocks.off(world.context, ACCOUNT) is off
    assert clocks.off(world.context, "an account that is gone") is off


@pytest.mark.parametrize(("off_s", "off"), [(0, False), (300, False), (301, True)])
def test_an_upstream_is_off_when_no_correction_can_be_right(world, off_s, off):
    shown(world.context.upstreams[ACCOUNT].clock, world.clock.now(), off_s)
    assert clocks.off(world.context, ACCOUNT) is off
    assert not clocks.off(world.context, "an account that is gone")


@pytest.fixture
def late(world):
    """An upstream whose clock is hopelessly off and stays so, since its answers bear no date."""
    upstream = Script(world)
    context = upstream.context()
    shown(context.upstreams[ACCOUNT].clock, world.clock.now(), 4000)
    return upstream, context


def test_where_nobody_waits_for_the_time_nobody_asks_for_it(world, late):
    upstream, context = late
    memory = tick_state(world, job(world, 1, "running"))
    assert clocks.halted(context, ACCOUNT, memory) is True
    assert (upstream.asked, memory.done) == ([], {})


def test_where_times_are_sound_the_upstream_is_not_asked_for_them(world):
    upstream = Script(world)
    memory = tick_state(world, job(world), job(world, 2, "unsure"))
    assert clocks.halted(upstream.context(), ACCOUNT, memory) is False
    assert (upstream.asked, memory.done) == ([], {})


def test_the_time_is_asked_for_every_fifteen_seconds_and_no_more_often(world, late):
    upstream, context = late
    memory = tick_state(world, job(world))
    began = world.clock.now()
    for _ in range(3):
        assert clocks.halted(context, ACCOUNT, memory) is True
    world.clock.advance(14)
    clocks.halted(context, ACCOUNT, memory)
    assert upstream.times("list") == [began]
    world.clock.advance(1)
    clocks.halted(context, ACCOUNT, memory)
    assert upstream.times("list") == [began, began + 15]
    assert memory.done == {"lists": 2, "clock_off": 5}


def test_jobs_that_wait_for_the_time_say_so_once_and_a_doubt_keeps_what_bounds_it(world, late):
    _, context = late
    waiting, doubt = job(world, 1), job(world, 2, "unsure")
    memory = tick_state(world, waiting, doubt)
    clocks.halted(memory.following(context), ACCOUNT, memory)
    told = {held.state.stage: held for held in memory.jobs.values()}
    assert told[Stage.QUEUED] == again(world, waiting)
    assert told[Stage.UNSURE] == again(world, doubt)
    assert {held.state.reason for held in told.values()} == {"clock_off"}
    before, after = doubt.state, told[Stage.UNSURE].state
    assert (after.by, after.since, after.until) == (before.by, before.since, before.until)
    assert told[Stage.QUEUED].state.by != waiting.state.by
    clocks.halted(memory.following(context), ACCOUNT, memory)
    assert again(world, waiting).meta == told[Stage.QUEUED].meta


def test_whoever_lost_the_write_keeps_what_it_knew(world, late):
    _, context = late
    held = job(world)
    memory = tick_state(world, held)
    moved = held.state.to(Stage.CANCELLED, by="b" * 16, now=world.clock.now())
    world.context.jobs.patch(held, moved)
    clocks.halted(context, ACCOUNT, memory)
    assert memory.jobs == {held.name: held}
    assert again(world, held).state == moved
