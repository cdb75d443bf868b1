"""What a reader gets: its own job, and nothing at all of anything else, however it is spelt."""

import pytest

from lib.core.outside.records import RecordUnreadable
from lib.flows.read import find
from tests.flows.tasks.stored import job


def test_an_owner_finds_the_job(world):
    held = job(world, 1, "running")
    found = find(world.context, "local", held.id)
    assert (found.intent.id, found.intent.owner) == (held.id, "local")


def test_anothers_a_missing_a_deleted_and_no_id_look_alike(world):
    held = job(world, 1)
    gone = job(world, 2)
    world.client.delete(f"/v1/videos/{gone.id}")
    done = world.post().get_json()["id"]
    world.run()
    assert world.client.delete(f"/v1/videos/{done}").status_code == 200
    context = world.context
    assert find(context, "bob", held.id) is None
    for text in (done, "vid_" + "0" * 27, held.id + "0", held.id.upper(), "", "../" + held.id):
        assert find(context, "local", text) is None


def test_no_name_is_asked_for_that_is_no_id(world):
    world.storage.traffic.clear()
    assert find(world.context, "local", "vid_1/../x") is None
    assert world.storage.traffic.counts() == {}


def test_a_record_that_cannot_be_read_says_so_and_is_not_nothing(world):
    held = job(world, 1, body={"id": 7})
    with pytest.raises(RecordUnreadable):
        find(world.context, "local", held.id)
