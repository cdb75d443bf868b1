"""Posts, keys, sends, and cancels that meet them."""

from lib.flows.requests.cancel import cancel
from tests.simulation.theatre import CREATE, OWNER

HOUR_S = 3600.0


def two_posts_with_one_key(play):
    """The second post overtakes the first between key and job."""
    slow = play.poster("k").until("before", "POST .*pending/")
    play.world.clock.advance(2)
    play.post("k")
    slow.end()


def a_key_whose_first_attempt_died(play):
    """The key is bound, the job was never written."""
    play.poster("k").until("after", "POST .*keys/").die()
    play.post("k")
    play.post("k")


def a_key_whose_job_took_a_day(play):
    """More than a day after the first post, less than a day after its end."""
    play.runs_s = 22.5 * HOUR_S
    play.post("k")
    for _ in range(24):
        play.tick(pause_s=HOUR_S)
    play.world.clock.advance(HOUR_S)
    play.post("k")


def two_posts_renew_an_old_key(play):
    """Both find it expired."""
    play.post("k")
    play.rest()
    play.answers.clear()
    play.world.clock.advance(49 * HOUR_S)
    slow = play.poster("k").until("after", "GET .*jobs/")
    play.world.clock.advance(2)
    play.post("k")
    slow.end()


def a_post_wakes_up_after_the_film(play):
    """The job of its key was made, delivered and filed while it stood still."""
    slow = play.poster("k").until("before", "POST .*frames/")
    play.world.clock.advance(2)
    play.post("k")
    play.rest()
    play.world.clock.advance(120)
    slow.end()


def two_ticks_take_one_job(play):
    """Both have listed it as queued."""
    play.post()
    play.post()
    slow = play.ticker().until("before", 'PATCH .*pending/.*"sending"')
    play.world.clock.advance(2)
    quick = play.ticker().until("after", 'PATCH .*pending/.*"running"')
    slow.end()
    quick.end()


def a_sender_wakes_up_after_its_lease(play):
    """It stands still after winning its lease; meanwhile the job is found unsent and sent again."""
    play.warm()
    slow = play.poster().until("after", "GET .*jobs/")
    play.rest()
    slow.end()


def a_sender_dies_with_the_answer(play):
    """The upstream accepted; nobody ever heard."""
    play.warm()
    play.poster().until("after", CREATE).die()
    play.world.clock.advance(31)


def an_answer_is_lost(play):
    """The upstream accepted; the connection broke."""
    play.warm()
    play.poster().until("after", CREATE).lose()


def a_late_refusal(play):
    """A 429 that arrives when somebody else sends the job already."""
    play.warm()
    play.world.upstream.faults.add(operation="create", kind="rate", times=1)
    late = play.poster().until("after", CREATE).until("before", "GET .*gates/")
    play.tick(pause_s=31)
    play.world.clock.advance(100)
    sender = play.ticker().until("before", CREATE)
    late.end()
    play.world.clock.advance(2)
    play.ticker().end()
    sender.end()


def a_deadline_meets_a_send(play):
    """One tick finds the job too old while another, which looked earlier, sends it."""
    refusal = play.world.upstream.faults.add(operation="create", kind="rate", times=1)
    play.post()
    assert refusal.met == 1
    play.world.clock.advance(24 * HOUR_S - 5)
    sender = play.ticker().until("before", 'PATCH .*pending/.*"sending"')
    play.world.clock.advance(20)
    judge = play.ticker().until("before", "POST .*jobs/")
    sender.end()
    judge.end()


def a_cancel_meets_a_send(play):
    """The owner saw `queued`; a tick sends the job before the cancel is written."""
    play.post()
    job_id = play.post()
    owner = play.player(lambda service: cancel(service.context, OWNER, job_id))
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    play.tick(pause_s=2)
    owner.end()


def a_cancel_during_the_send(play):
    """The create is under way when the owner cancels."""
    sender = play.poster().until("before", CREATE)
    (name,) = play.world.names("pending/")
    job_id = name.rpartition("/")[2].removesuffix(".json")
    play.player(lambda service: cancel(service.context, OWNER, job_id)).end()
    sender.end()
