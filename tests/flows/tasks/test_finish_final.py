"""Terminal is final: whatever comes after a verdict, the stored one stays as it was, byte for byte."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.core.jobs.job import Status, Verdict
from lib.flows.tasks.finish import finish

LATE = ["tick", "a day", "cancel", "read", "another finisher", "post again"]
ENDS = {
    "completed": {"prompt": "rain"},
    "failed": {"prompt": "rain #moderation"},
    "cancelled": {"prompt": "rain"},
    "expired": {"prompt": "rain"},
}


def ended(make_world, ending):
    """A world with one job that ended so, and the job as a finisher held it before."""
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    key = {"Idempotency-Key": "k"}
    job_id = world.post(headers=key, **ENDS[ending]).get_json()["id"]
    held = world.context.jobs.live("local", job_id)
    intent = world.context.jobs.intent(held)
    if ending == "cancelled":
        world.client.post(f"/v1/videos/{job_id}/cancel")
    if ending == "expired":
        world.upstream.tasks.clear()
        world.clock.advance(25 * 3600)
    world.run(ticks=60)
    assert world.job(job_id)["status"] == ending
    return world, job_id, held, intent


def late(world, event, job_id, held, intent):
    """Something that comes after the end."""
    if event == "tick":
        world.tick()
    elif event == "a day":
        world.clock.advance(23 * 3600)
    elif event == "cancel":
        world.client.post(f"/v1/videos/{job_id}/cancel")
    elif event == "read":
        world.job(job_id)
    elif event == "another finisher":
        finish(world.context, held, intent, Verdict(Status.FAILED, world.clock.now(), paid=True))
    elif event == "post again":
        world.post(headers={"Idempotency-Key": "k"}, prompt=intent.request.prompt)


@pytest.mark.parametrize("ending", ENDS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=st.lists(st.sampled_from(LATE), min_size=1, max_size=6))
def test_a_verdict_never_changes(make_world, ending, events):
    world, job_id, held, intent = ended(make_world, ending)
    blob = world.bucket.get_blob(f"jobs/local/{job_id}.json")
    for event in events:
        late(world, event, job_id, held, intent)
    after = world.bucket.get_blob(f"jobs/local/{job_id}.json")
    assert (after.generation, after.metageneration) == (blob.generation, blob.metageneration)
    assert world.job(job_id)["status"] == ending
    assert len(world.names("videos/")) == (ending == "completed")
