"""Webhooks: told at least once, and not for ever."""

import contextlib

from tests.receivers import PLACE

HOUR_S = 3600.0


def a_finisher_dies_before_the_webhook(play):
    """The verdict is written, nobody was told yet."""
    play.post(webhook=f"{PLACE}/ok/x")
    play.world.clock.advance(90)
    play.ticker().until("after", "POST .*jobs/").die()


def a_webhook_is_written_late(play):
    """A finisher stands still before it; meanwhile the next to come wrote it, and it was told."""
    play.post(webhook=f"{PLACE}/ok/x")
    play.world.clock.advance(90)
    slow = play.ticker().until("before", "POST .*outbox/")
    play.world.clock.advance(200)
    play.rest()
    slow.end()


def a_teller_dies_after_the_answer(play):
    """The receiver took it; the process dies as soon as its entry is gone."""
    play.post(webhook=f"{PLACE}/ok/x")
    play.world.clock.advance(90)
    play.ticker().until("after", "DELETE .*outbox/").die()


def two_ticks_tell_one_end(play):
    """Both have listed it as due."""
    play.post(webhook=f"{PLACE}/ok/x")
    play.world.clock.advance(90)
    play.ticker().until("after", "POST .*outbox/").die()
    play.world.clock.advance(200)
    slow = play.ticker().until("after", "GET .*prefix=outbox/")
    quick = play.ticker().until("before", "POST .*:9003/")
    slow.end()
    quick.end()


def a_teller_dies_again_and_again(play):
    """Each time the receiver has taken it, and each time nobody hears of that."""
    play.post(webhook=f"{PLACE}/ok/x")
    play.world.clock.advance(90)
    for _ in range(12):
        with contextlib.suppress(LookupError):  # the tries ran out
            play.ticker().until("after", "POST .*:9003/").die()
        play.world.clock.advance(9 * HOUR_S)
