"""Verdicts and tombstones under races and lost answers: the first stands, and nobody writes over it."""

import pytest

from lib.adapters.state.jobs import Tombstone
from lib.core.jobs.job import IllegalTransition, Job, Status, Verdict
from tests.adapters.state.test_jobs_edges import ENDED, on_read, remove, through
from tests.adapters.state.test_ledger_edges import before, unheard
from tests.flows.odd import look
from tests.flows.tasks.stored import job

LATER = Verdict(Status.FAILED, 6.0)


@pytest.fixture
def held(world):
    return job(world, 1, "sending")


@pytest.fixture
def jobs(world):
    return world.context.jobs


def test_the_first_verdict_stands(world, jobs, held):
    intent = jobs.intent(held)
    assert jobs.finish(intent, held.state, ENDED) == ENDED
    assert jobs.finish(intent, held.state, LATER) == ENDED
    assert jobs.finished(held.owner, held.id) == Job(intent, verdict=ENDED)


def test_a_verdict_that_the_table_does_not_know_is_not_written(world, jobs, held):
    with pytest.raises(IllegalTransition):
        jobs.finish(jobs.intent(held), held.state, Verdict(Status.COMPLETED, 5.0))
    assert world.names("jobs/") == []


def test_a_verdict_beside_one_that_is_gone_again_is_ours(world, jobs, held):
    intent = jobs.intent(held)
    jobs.finish(intent, held.state, LATER)
    late = through(world, on_read(world, "jobs%2F", lambda: remove(world, "jobs/")))
    assert late.finish(intent, held.state, ENDED) == ENDED


def test_a_deleted_job_gets_no_verdict(jobs, held):
    intent = jobs.intent(held)
    jobs.finish(intent, held.state, ENDED)
    jobs.purge(held.owner, held.id, 7.0)
    for call in (
        lambda: jobs.finish(intent, held.state, LATER),
        lambda: jobs.finished(held.owner, held.id),
        lambda: jobs.find(held.owner, held.id),
    ):
        with pytest.raises(Tombstone):
            call()


def test_a_tombstone_is_put_once_and_only_where_a_job_ended(world, jobs, held):
    name = f"jobs/{held.owner}/{held.id}.json"
    jobs.purge(held.owner, held.id, 7.0)
    assert look(world, name) is None
    jobs.finish(jobs.intent(held), held.state, ENDED)
    jobs.purge(held.owner, held.id, 7.0)
    first = look(world, name)
    assert first[2]["status"] == "deleted"
    assert first[2]["paid"] == "False", "what it cost stays"
    jobs.purge(held.owner, held.id, 8.0)
    assert look(world, name) == first


def test_a_tombstone_whose_answer_was_lost_stands(world, jobs, held):
    jobs.finish(jobs.intent(held), held.state, ENDED)
    through(world, unheard("POST")).purge(held.owner, held.id, 7.0)
    with pytest.raises(Tombstone):
        jobs.finished(held.owner, held.id)


def test_a_tombstone_is_put_over_the_verdict_that_was_seen_and_over_no_other(world, jobs, held):
    """Whatever stands there by then is looked at once more."""
    intent = jobs.intent(held)
    jobs.finish(intent, held.state, ENDED)

    def step():
        remove(world, "jobs/")
        jobs.finish(intent, held.state, LATER)

    through(world, before("POST", step)).purge(held.owner, held.id, 7.0)
    with pytest.raises(Tombstone):
        jobs.finished(held.owner, held.id)
