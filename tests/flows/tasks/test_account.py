"""Where a job's task lives: its account in its region, and nowhere else, whatever is configured now."""

from dataclasses import replace

import pytest

from lib.flows.tasks.account import upstream_of
from tests.flows.tasks.stored import job


@pytest.mark.parametrize("stage", ["queued", "sending", "unsure", "running", "copying"])
def test_a_job_is_asked_of_its_own_account(world, stage):
    state = job(world, 1, stage).state
    assert upstream_of(world.context, state) is world.context.upstreams["singapore"]


def test_an_account_that_is_gone_is_nobody(world):
    state = job(world, 1, "running").state
    assert upstream_of(world.context, replace(state, account="second")) is None


def test_a_key_is_never_sent_to_another_region_than_the_tasks(world):
    state = job(world, 1, "running").state
    assert upstream_of(world.context, replace(state, region="beijing")) is None
    assert (
        upstream_of(world.context, replace(state, region="")) is not None
    )  # written before regions


def test_what_was_not_sent_yet_goes_where_its_account_is_now(world):
    state = replace(job(world, 1, "queued").state, region="beijing")
    assert upstream_of(world.context, state) is world.context.upstreams["singapore"]
