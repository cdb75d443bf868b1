"""Copies, endings and deletes."""

import contextlib
import json

from lib.flows.read import find
from lib.flows.requests.cancel import cancel
from lib.flows.requests.delete import delete
from lib.flows.requests.refresh import refresh
from tests.simulation.theatre import DOWNLOAD, OWNER

HOUR_S = 3600.0


def a_copier_wakes_up_after_its_lease(play):
    """It dies right after storing a film that its owner has deleted meanwhile."""
    job_id = play.post()
    play.world.clock.advance(90)
    slow = play.ticker().until("after", "PATCH .*pending.*copying")
    slow.until("after", "GET .*/download/.*pending/")
    play.rest()
    _delete(play, job_id)
    play.rest()
    with contextlib.suppress(LookupError):  # the lease was over: nothing was stored
        slow.until("after", "PUT .*upload_id").die()


def a_copier_stands_still_after_its_last_look(play):
    """Its film is stored after the owner deleted the job."""
    job_id = play.post()
    play.world.clock.advance(90)
    slow = play.ticker().until("before", "PUT .*upload_id")
    play.rest()
    _delete(play, job_id)
    play.rest()
    slow.end()


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
    """It stands still before its look, until a reader has the film and the upstream no record."""
    job_id = play.post()
    play.world.clock.advance(24 * HOUR_S - 30)
    watcher = play.ticker().until("after", "GET .*prefix=pending/")
    reader = play.player(
        lambda service: refresh(service.context, find(service.context, OWNER, job_id))
    ).until("before", "PUT .*upload_id")
    play.world.clock.advance(35)
    watcher.end()
    reader.end()


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


def a_cancel_of_a_running_task(play):
    """The upstream works on it and says so."""
    job_id = play.post()
    play.world.clock.advance(10)
    play.player(lambda service: cancel(service.context, OWNER, job_id)).end()


def a_cancel_that_promised_too_much(play):
    """The upstream says that it is cancelled, and works on it all the same."""
    job_id = play.post()
    play.world.clock.advance(10)
    play.world.upstream.faults.add(
        operation="cancel",
        kind="answer",
        status=200,
        body=json.dumps({"request_id": "r"}),
        content_type="application/json",
    )
    play.player(lambda service: cancel(service.context, OWNER, job_id)).end()


def a_delete_dies_halfway(play):
    """After the first thing that it removed."""
    job_id = play.post()
    play.rest()
    owner = play.player(lambda service: delete(service.context, OWNER, job_id))
    owner.until("after", "DELETE .*videos/").die()


def _delete(play, job_id):
    play.player(lambda service: delete(service.context, OWNER, job_id)).end()
