"""Copies, endings and deletes."""

import contextlib
import json

from lib.flows.read import find
from lib.flows.requests.cancel import cancel
from lib.flows.requests.delete import delete
from lib.flows.requests.refresh import refresh
from tests.simulation.scenario_runner import DOWNLOAD, OWNER

HOUR_S = 3600.0


def a_copier_wakes_up_after_its_lease(runner):
    """It dies right after storing a film that its owner has deleted meanwhile."""
    job_id = runner.post()
    runner.world.clock.advance(90)
    slow = runner.ticker().until("after", "PATCH .*pending.*copying")
    slow.until("after", "GET .*/download/.*pending/")
    runner.rest()
    _delete(runner, job_id)
    runner.rest()
    with contextlib.suppress(LookupError):  # the lease was over: nothing was stored
        slow.until("after", "PUT .*upload_id").die()


def a_copier_stands_still_after_its_last_look(runner):
    """Its film is stored after the owner deleted the job."""
    job_id = runner.post()
    runner.world.clock.advance(90)
    slow = runner.ticker().until("before", "PUT .*upload_id")
    runner.rest()
    _delete(runner, job_id)
    runner.rest()
    slow.end()


def a_copier_finds_the_link_dead_after_its_lease(runner):
    """It stood still before its download while another fetched the film, on the last minutes of its day."""
    runner.post()
    runner.world.clock.advance(24 * HOUR_S - 200)
    early = runner.ticker().until("before", f"GET {DOWNLOAD}")
    runner.world.clock.advance(140)
    late = runner.ticker().until("before", "PUT .*upload_id")
    runner.world.clock.advance(200)
    early.end()
    late.end()


def a_watcher_gives_up_a_film_that_is_being_copied(runner):
    """It stands still before its look, until a reader has the film and the upstream no record."""
    job_id = runner.post()
    runner.world.clock.advance(24 * HOUR_S - 30)
    watcher = runner.ticker().until("after", "GET .*prefix=pending/")
    reader = runner.process(
        lambda service: refresh(service.context, find(service.context, OWNER, job_id))
    ).until("before", "PUT .*upload_id")
    runner.world.clock.advance(35)
    watcher.end()
    reader.end()


def the_upstream_forgets_for_a_moment(runner):
    """An hour after the film was made its host does not know it, once, and then the upstream."""
    runner.post()
    runner.world.clock.advance(HOUR_S)
    runner.world.upstream.faults.add(operation="result", kind="status", status=404)
    ticker = runner.ticker().until("after", f"GET {DOWNLOAD}")
    forgotten = {"request_id": "r", "output": {"task_id": "", "task_status": "UNKNOWN"}}
    runner.world.upstream.faults.add(
        operation="get",
        kind="answer",
        status=200,
        body=json.dumps(forgotten),
        content_type="application/json",
    )
    ticker.end()


def a_cancel_of_a_running_task(runner):
    """The upstream works on it and says so."""
    job_id = runner.post()
    runner.world.clock.advance(10)
    runner.process(lambda service: cancel(service.context, OWNER, job_id)).end()


def a_cancel_that_promised_too_much(runner):
    """The upstream says that it is cancelled, and works on it all the same."""
    job_id = runner.post()
    runner.world.clock.advance(10)
    runner.world.upstream.faults.add(
        operation="cancel",
        kind="answer",
        status=200,
        body=json.dumps({"request_id": "r"}),
        content_type="application/json",
    )
    runner.process(lambda service: cancel(service.context, OWNER, job_id)).end()


def a_delete_dies_halfway(runner):
    """After the first thing that it removed."""
    job_id = runner.post()
    runner.rest()
    owner = runner.process(lambda service: delete(service.context, OWNER, job_id))
    owner.until("after", "DELETE .*videos/").die()


def _delete(runner, job_id):
    runner.process(lambda service: delete(service.context, OWNER, job_id)).end()
