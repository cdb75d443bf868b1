"""Webhooks: told at least once, and not for ever."""

import contextlib

from tests.receivers import PLACE

HOUR_S = 3600.0


def a_finisher_dies_before_the_webhook(runner):
    """The verdict is written, nobody was told yet."""
    runner.post(webhook=f"{PLACE}/ok/x")
    runner.world.clock.advance(90)
    runner.ticker().until("after", "POST .*jobs/").die()


def a_webhook_is_written_late(runner):
    """A finisher stands still before it; meanwhile the next to come wrote it, and it was told."""
    runner.post(webhook=f"{PLACE}/ok/x")
    runner.world.clock.advance(90)
    slow = runner.ticker().until("before", "POST .*outbox/")
    runner.world.clock.advance(200)
    runner.rest()
    slow.end()


def a_teller_dies_after_the_answer(runner):
    """The receiver took it; the process dies as soon as its entry is gone."""
    runner.post(webhook=f"{PLACE}/ok/x")
    runner.world.clock.advance(90)
    runner.ticker().until("after", "DELETE .*outbox/").die()


def two_ticks_tell_one_end(runner):
    """Both have listed it as due."""
    runner.post(webhook=f"{PLACE}/ok/x")
    runner.world.clock.advance(90)
    runner.ticker().until("after", "POST .*outbox/").die()
    runner.world.clock.advance(200)
    slow = runner.ticker().until("after", "GET .*prefix=outbox/")
    quick = runner.ticker().until("before", "POST .*:9003/")
    slow.end()
    quick.end()


def a_teller_dies_again_and_again(runner):
    """Each time the receiver has taken it, and each time nobody hears of that."""
    runner.post(webhook=f"{PLACE}/ok/x")
    runner.world.clock.advance(90)
    for _ in range(12):
        with contextlib.suppress(LookupError):  # the tries ran out
            runner.ticker().until("after", "POST .*:9003/").die()
        runner.world.clock.advance(9 * HOUR_S)
