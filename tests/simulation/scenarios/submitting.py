"""Posts, keys, sends, and cancels that meet them."""

from lib.flows.requests.cancel import cancel
from tests.simulation.scenario_runner import CREATE, OWNER

HOUR_S = 3600.0


def two_posts_with_one_key(runner):
    """The second post overtakes the first between key and job."""
    slow = runner.poster("k").until("before", "POST .*pending/")
    runner.world.clock.advance(2)
    runner.post("k")
    slow.end()


def a_key_whose_first_attempt_died(runner):
    """The key is bound, the job was never written."""
    runner.poster("k").until("after", "POST .*keys/").die()
    runner.post("k")
    runner.post("k")


def a_key_whose_job_took_a_day(runner):
    """More than a day after the first post, less than a day after its end."""
    runner.runs_s = 22.5 * HOUR_S
    runner.post("k")
    for _ in range(24):
        runner.tick(pause_s=HOUR_S)
    runner.world.clock.advance(HOUR_S)
    runner.post("k")


def two_posts_renew_an_old_key(runner):
    """Both find it expired."""
    runner.post("k")
    runner.rest()
    runner.answers.clear()
    runner.world.clock.advance(49 * HOUR_S)
    slow = runner.poster("k").until("after", "GET .*jobs/")
    runner.world.clock.advance(2)
    runner.post("k")
    slow.end()


def a_post_wakes_up_after_the_film(runner):
    """The job of its key was made, delivered and filed while it stood still."""
    slow = runner.poster("k").until("before", "POST .*frames/")
    runner.world.clock.advance(2)
    runner.post("k")
    runner.rest()
    runner.world.clock.advance(120)
    slow.end()


def two_ticks_take_one_job(runner):
    """Both have listed it as queued."""
    runner.post()
    runner.post()
    slow = runner.ticker().until("before", 'PATCH .*pending/.*"sending"')
    runner.world.clock.advance(2)
    quick = runner.ticker().until("after", 'PATCH .*pending/.*"running"')
    slow.end()
    quick.end()


def a_sender_wakes_up_after_its_lease(runner):
    """It stands still after winning its lease; meanwhile the job is found unsent and sent again."""
    runner.warm()
    slow = runner.poster().until("after", "GET .*jobs/")
    runner.rest()
    slow.end()


def a_sender_dies_with_the_answer(runner):
    """The upstream accepted; nobody ever heard."""
    runner.warm()
    runner.poster().until("after", CREATE).die()
    runner.world.clock.advance(31)


def an_answer_is_lost(runner):
    """The upstream accepted; the connection broke."""
    runner.warm()
    runner.poster().until("after", CREATE).lose()


def a_late_refusal(runner):
    """A 429 that arrives when somebody else sends the job already."""
    runner.warm()
    runner.world.upstream.faults.add(operation="create", kind="rate", times=1)
    late = runner.poster().until("after", CREATE).until("before", "GET .*gates/")
    runner.tick(pause_s=31)
    runner.world.clock.advance(100)
    sender = runner.ticker().until("before", CREATE)
    late.end()
    runner.world.clock.advance(2)
    runner.ticker().end()
    sender.end()


def a_deadline_meets_a_send(runner):
    """One tick finds the job too old while another, which looked earlier, sends it."""
    refusal = runner.world.upstream.faults.add(operation="create", kind="rate", times=1)
    runner.post()
    assert refusal.met == 1
    runner.world.clock.advance(24 * HOUR_S - 5)
    sender = runner.ticker().until("before", 'PATCH .*pending/.*"sending"')
    runner.world.clock.advance(20)
    invariants = runner.ticker().until("before", "POST .*jobs/")
    sender.end()
    invariants.end()


def a_cancel_meets_a_send(runner):
    """The owner saw `queued`; a tick sends the job before the cancel is written."""
    runner.post()
    job_id = runner.post()
    owner = runner.process(lambda service: cancel(service.context, OWNER, job_id))
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    runner.tick(pause_s=2)
    owner.end()


def a_cancel_during_the_send(runner):
    """The create is under way when the owner cancels."""
    sender = runner.poster().until("before", CREATE)
    (name,) = runner.world.names("pending/")
    job_id = name.rpartition("/")[2].removesuffix(".json")
    runner.process(lambda service: cancel(service.context, OWNER, job_id)).end()
    sender.end()
