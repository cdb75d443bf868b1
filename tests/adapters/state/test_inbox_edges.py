"""What lies under `pending/` and cannot be read: whether a task may belong to it."""

import dataclasses

import pytest

from lib.adapters.bucket.metadata import Meta
from lib.adapters.state.inbox import Held, Unreadable, checked, read_held
from lib.core.outside.records import NotReadable
from tests.flows.tasks.stored import job

NAME = f"pending/local/vid_{1:027x}.json"


@pytest.mark.parametrize(
    ("name", "card", "odd", "may"),
    [
        (NAME, {"stage": "weighing"}, False, True),
        (NAME, {}, True, True),
        (NAME, {}, False, False),
        (NAME, {"since": "1.0"}, False, False),
        ("pending/local/readme.txt", {"stage": "weighing"}, False, False),
        ("pending/local/readme.txt", {}, True, False),
        ("pending/local/readme.txt", {}, False, False),
    ],
)
def test_a_task_may_belong_to_what_has_the_name_of_a_job_and_may_have_had_its_stage(
    name, card, odd, may
):
    assert Unreadable(name, "odd", Meta(name, 1, 1, metadata=card, odd=odd)).may_have_task is may


def test_an_object_is_a_job_by_its_name_and_its_state():
    queued = {"stage": "queued", "by": "a" * 16, "since": "1.0"}
    assert isinstance(read_held(Meta(NAME, 1, 1, metadata=queued)), Held)
    other = read_held(Meta("pending/local/readme.txt", 1, 1, metadata=queued))
    assert (other.name, other.why) == ("pending/local/readme.txt", "its name is none of a job")
    assert isinstance(read_held(Meta(NAME, 1, 1, metadata={"stage": "queued"})), Unreadable)


def test_an_intent_stands_where_it_belongs(world):
    intent = world.context.jobs.intent(job(world))
    assert checked(intent, intent.owner, intent.id) is intent
    for other in ({"owner": "alice"}, {"id": f"vid_{2:027x}"}):
        with pytest.raises(NotReadable):
            checked(dataclasses.replace(intent, **other), intent.owner, intent.id)
