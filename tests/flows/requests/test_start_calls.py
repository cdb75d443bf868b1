"""What a POST asks of the bucket: nothing that it wrote itself is read again."""

import pytest

WRITES = {"objects.insert", "objects.patch", "objects.delete"}


def asked(world):
    """The kinds of the bucket calls of one POST, and the job that it answers with."""
    world.storage.traffic.clear()
    job = world.post().get_json()
    return [row["kind"] for row in world.storage.traffic.log()], job


def accepted(world):
    return {"stage": "running"}


def queued(world):
    for _ in range(2):
        world.post()
    return {"stage": "queued"}


def in_doubt(world):
    world.upstream.faults.add(operation="create", kind="drop", when="after", times=1)
    return {"stage": "unsure", "waiting_for": "upstream_unavailable"}


def waiting(world):
    world.upstream.faults.add(operation="create", kind="arrears", times=1)
    return {"stage": "queued", "waiting_for": "upstream_quota"}


def refused(world):
    world.upstream.faults.add(
        operation="create",
        kind="status",
        status=400,
        code="InvalidParameter",
        message="no",
        times=1,
    )
    return {"status": "failed"}


STORIES = [accepted, queued, in_doubt, waiting, refused]


@pytest.mark.parametrize("delivery", ["link", "inline"])
@pytest.mark.parametrize("story", STORIES)
def test_a_post_answers_with_what_it_wrote_as_a_reader_sees_it(make_world, story, delivery):
    world = make_world(env={"FRAME_DELIVERY": delivery})
    expected = story(world)
    calls, job = asked(world)
    assert {name: job[name] for name in expected} == expected
    assert calls[-1] in WRITES, "nothing is read after the last write"
    assert world.client.get(f"/v1/videos/{job['id']}").get_json() == job
