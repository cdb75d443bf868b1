"""The stories in which each guard of the protocol is needed: without it, the judge finds the damage.

`python -m tests.simulation.dramas NAME` plays one; it says `broken:` and why when an invariant fell.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

HOUR_S = 3600.0


def two_posts_with_one_key(play):
    """The second post overtakes the first between key and job."""
    slow = play.poster("k").until("before", "POST .*pending/")
    play.world.clock.advance(2)
    play.post("k")
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


def a_post_wakes_up_after_the_film(play):
    """The job of its key was made, delivered and filed while it stood still."""
    slow = play.poster("k").until("before", "POST .*frames/")
    play.world.clock.advance(2)
    play.post("k")
    play.rest()
    play.world.clock.advance(120)
    slow.end()


def a_sender_wakes_up_after_its_lease(play):
    """It stands still after winning its lease; meanwhile the job is found unsent and sent again."""
    play.warm()
    slow = play.poster().until("after", "GET .*jobs/")
    play.rest()
    slow.end()


def a_copier_wakes_up_after_its_lease(play):
    """It dies right after storing a film that its owner has deleted meanwhile."""
    job_id = play.post()
    play.world.clock.advance(90)
    slow = play.ticker().until("after", "GET .*/download/.*pending/")
    play.rest()
    _delete(play, job_id)
    play.rest()
    with contextlib.suppress(LookupError):  # the lease was over: nothing was stored
        slow.until("after", "PUT .*upload_id").die()


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


def a_twin_is_filed_before_the_doubt(play):
    """Two equal jobs; one is delivered and filed, the other's create never arrived."""
    play.warm()
    play.post()
    play.world.clock.advance(2)
    play.poster().until("before", CREATE).lose()
    play.tick(pause_s=60)
    play.runs_s = 600.0
    play.post(prompt="it shows our key while the others are judged")


def another_key_of_the_account(play):
    """A stranger's task with our prompt, in the window of a create that never arrived."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.strange()


def another_program_with_our_key(play):
    """Its task is the only candidate; its prompt is not ours."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.strange("something else", key=KEY)


def a_create_arrives_late(play):
    """It left within the lease and arrives when the job is in doubt already."""
    play.warm()
    late = play.poster().until("before", CREATE)
    play.world.clock.advance(31)
    play.tick()
    late.end()


def two_in_doubt_at_once(play):
    """The older one's task exists; the younger one, judged first, could take it for its own."""
    play.warm()
    play.poster().until("after", CREATE).lose()
    play.world.clock.advance(2)
    play.poster().until("before", CREATE).lose()


def two_in_doubt_and_one_task(play):
    """The older one's task exists; the younger one's create never arrived."""
    play.warm()
    older = play.poster().until("before", CREATE)
    play.world.clock.advance(25)
    play.poster().until("before", CREATE).lose()
    older.until("after", CREATE).lose()


def two_in_doubt_and_the_younger_ones_task(play):
    """The older one gives up first; the task is the younger one's."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.world.clock.advance(25)
    play.poster().until("after", CREATE).lose()


def a_job_is_written_late(play):
    """Its lease was stamped before its twin's and reaches the bucket when the twin's film is filed."""
    play.warm()
    late = play.poster().until("before", "POST .*pending/")
    play.world.clock.advance(2)
    play.poster().until("after", CREATE).lose()
    play.rest()
    late.end()


def two_in_doubt_before_our_key_is_known(play):
    """The older one's task exists and is given up; then a list shows our key, and the twin looks again."""
    older = play.poster().until("before", CREATE)
    play.world.clock.advance(20)
    older.until("after", CREATE).lose()
    play.world.clock.advance(7)
    play.poster().until("before", CREATE).lose()
    play.world.clock.advance(275)
    giver = play.ticker().until("after", "DELETE .*pending/")
    play.post(prompt="it shows our key")
    giver.end()


def the_first_job_of_an_account(play):
    """No list has ever shown our key, and the answer is lost."""
    play.poster().until("after", CREATE).lose()


def half_a_list(play):
    """The lost task stands on the second page, which does not come."""
    play.warm()
    play.runs_s = 1.0
    play.poster().until("after", CREATE).lose()
    for _ in range(50):
        play.world.clock.advance(3)
        play.strange()
    play.post(prompt="it shows our key on the first page")
    play.ticker().until("before", "GET .*page_no=2").lose()


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


def a_cancel_meets_a_send(play):
    """The owner saw `queued`; a tick sends the job before the cancel is written."""
    from lib.flows.cancel import cancel  # noqa: PLC0415 - after the environment is set

    play.post()
    job_id = play.post()
    owner = play.player(lambda service: cancel(service.kit, OWNER, job_id))
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    owner.until("after", "GET .*pending/")
    play.tick(pause_s=2)
    owner.end()


def a_cancel_during_the_send(play):
    """The create is under way when the owner cancels."""
    from lib.flows.cancel import cancel  # noqa: PLC0415 - after the environment is set

    sender = play.poster().until("before", CREATE)
    (name,) = play.world.names("pending/")
    job_id = name.rpartition("/")[2].removesuffix(".json")
    play.player(lambda service: cancel(service.kit, OWNER, job_id)).end()
    sender.end()


def a_cancel_of_a_running_task(play):
    """The upstream works on it and says so."""
    from lib.flows.cancel import cancel  # noqa: PLC0415 - after the environment is set

    job_id = play.post()
    play.world.clock.advance(10)
    play.player(lambda service: cancel(service.kit, OWNER, job_id)).end()


def a_delete_dies_halfway(play):
    """After the first thing that it removed."""
    from lib.flows.delete import delete  # noqa: PLC0415 - after the environment is set

    job_id = play.post()
    play.rest()
    owner = play.player(lambda service: delete(service.kit, OWNER, job_id))
    owner.until("after", "DELETE .*videos/").die()


def a_copier_stands_still_after_its_last_look(play):
    """Its film is stored after the owner deleted the job."""
    job_id = play.post()
    play.world.clock.advance(90)
    slow = play.ticker().until("before", "PUT .*upload_id")
    play.rest()
    _delete(play, job_id)
    play.rest()
    slow.end()


def the_upstream_forgets_for_a_moment(play):
    """An hour after the film was made its host does not know it, once, and then the upstream."""
    play.post()
    play.world.clock.advance(HOUR_S)
    play.world.upstream.faults.add(operation="result", kind="status", status=404)
    ticker = play.ticker().until("after", f"GET {DOWNLOAD}")
    forgotten = {"request_id": "r", "output": {"task_id": "", "task_status": "UNKNOWN"}}
    play.world.upstream.faults.add(
        operation="get",
        kind="answer",
        status=200,
        body=json.dumps(forgotten),
        content_type="application/json",
    )
    ticker.end()


def a_copier_finds_the_link_dead_after_its_lease(play):
    """It stood still before its download while another fetched the film, on the last minutes of its day."""
    play.post()
    play.world.clock.advance(24 * HOUR_S - 200)
    early = play.ticker().until("before", f"GET {DOWNLOAD}")
    play.world.clock.advance(140)
    late = play.ticker().until("before", "PUT .*upload_id")
    play.world.clock.advance(200)
    early.end()
    late.end()


def a_watcher_gives_up_a_film_that_is_being_copied(play):
    """It stands still before its query, until the copier has the film and the upstream no record."""
    play.post()
    play.world.clock.advance(24 * HOUR_S - 60)
    watcher = play.ticker().until("before", "GET .*/tasks/[0-9a-f]")
    play.world.clock.advance(52)
    copier = play.ticker().until("before", "PUT .*upload_id")
    play.world.clock.advance(20)
    watcher.end()
    copier.end()


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


def _delete(play, job_id):
    from lib.flows.delete import delete  # noqa: PLC0415 - after the environment is set

    play.player(lambda service: delete(service.kit, OWNER, job_id)).end()


def dramas():
    """Name to story."""
    here = globals()
    stories = [story for name, story in here.items() if callable(story) and story.__doc__]
    own = [s for s in stories if s.__module__ == __name__ and s not in {dramas, perform, main}]
    return {story.__name__: story for story in own if story.__code__.co_argcount == 1}


def perform(name):
    """Play one story to its end.

    Raises:
        Broken: an invariant fell.
    """
    from tests.simulation.theatre import Theatre  # noqa: PLC0415 - after the environment is set

    play = Theatre(name)
    dramas()[name](play)
    play.end()
    return play


def main(names):
    """Play some, or all; returns 1 when one broke."""
    from tests.simulation.judge import Broken  # noqa: PLC0415 - after the environment is set

    broken = 0
    for name in names or dramas():
        try:
            perform(name)
        except Broken as reason:
            broken += 1
            print(f"broken: {name}: {reason}")
        except LookupError as reason:
            broken += 1
            print(f"not played: {name}: {reason}")
        else:
            print(f"held: {name}")
    return bool(broken)


os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
from tests.receivers import PLACE  # noqa: E402 - after the environment is set
from tests.simulation.theatre import CREATE, DOWNLOAD, KEY, OWNER  # noqa: E402 - after the environment is set

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
