"""What a reader sees of a job: the verdict where there is one, else where it stands."""

import pytest

from lib.core.jobs.job import STATUS_OF, Job, Stage, State, Status, Verdict

ENDED = Verdict(Status.FAILED, 5.0)


@pytest.mark.parametrize("stage", Stage)
def test_a_job_that_lives_is_shown_as_it_stands(stage):
    job = Job(None, State(stage, "b" * 16, 1.0))
    assert (job.status, job.stage) == (STATUS_OF[stage], str(stage))


@pytest.mark.parametrize("state", [None, State(Stage.RUNNING, "b" * 16, 1.0)])
def test_a_verdict_wins_over_every_state(state):
    job = Job(None, state, ENDED)
    assert (job.status, job.stage) == (Status.FAILED, "done")


def test_a_job_without_state_and_verdict_waits_and_has_no_live_stage():
    job = Job(None)
    assert (job.status, job.stage) == (Status.QUEUED, "done")
