"""A state without what its stage cannot do without is refused, and one at its defaults is empty."""

from dataclasses import asdict

import pytest

from lib.core.jobs.job import Stage, State
from lib.core.outside.records import NotReadable

BY = "b" * 16
PLAIN = {"stage": "queued", "by": BY, "since": "1000.0"}
WHOLE = {
    "until": "1030.0",
    "model": "wan2.2-kf2v-flash",
    "task_id": "t-1",
    "accepted_at": "1010.0",
}
LEASED = {Stage.SENDING, Stage.UNSURE, Stage.COPYING}
MADE = {Stage.RUNNING, Stage.COPYING}


def read(stage, **fields):
    found = {**PLAIN, **WHOLE, "stage": str(stage), **fields}
    return State.from_metadata({name: text for name, text in found.items() if text is not None})


def refused(stage, **fields):
    try:
        read(stage, **fields)
    except NotReadable:
        return True
    return False


def test_a_new_job_stands_at_the_beginning_of_everything():
    nothing = {
        "until": 0.0,
        "account": "",
        "region": "",
        "key": "",
        "model": "",
        "task_id": "",
        "upstream_request_id": "",
        "adopted": False,
        "accepted_at": 0.0,
        "tries": 0,
        "reason": "",
        "eta_s": 0.0,
        "ended_at": 0.0,
        "bad_copies": 0,
    }
    new = State(Stage.QUEUED, BY, 1000.0)
    assert asdict(new) == {"stage": Stage.QUEUED, "by": BY, "since": 1000.0, **nothing}
    assert State.from_metadata(PLAIN) == new


def test_a_field_at_its_default_is_deleted_and_every_other_is_written():
    written = State(Stage.QUEUED, BY, 1000.0, tries=1, adopted=True).to_metadata()
    assert {name: text for name, text in written.items() if text is not None} == {
        **PLAIN,
        "tries": "1",
        "adopted": "True",
    }
    assert written.keys() == asdict(State(Stage.QUEUED, BY, 1000.0)).keys()


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_with_a_lease_cannot_do_without_its_end(stage):
    assert not refused(stage)
    assert not refused(stage, until="1000.0"), "a lease may be over at once"
    assert refused(stage, until="999.9") is (stage in LEASED)
    assert refused(stage, until=None) is (stage in LEASED)


@pytest.mark.parametrize("stage", Stage)
def test_a_doubt_cannot_do_without_its_model(stage):
    assert refused(stage, model=None) is (stage in {Stage.SENDING, Stage.UNSURE})


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", ["task_id", "accepted_at"])
def test_a_stage_with_a_task_cannot_do_without_the_task_and_since_when_it_is_ours(stage, name):
    assert refused(stage, **{name: None}) is (stage in MADE)


@pytest.mark.parametrize("name", PLAIN)
def test_no_state_does_without_its_stage_its_writer_and_its_beginning(name):
    with pytest.raises(NotReadable):
        State.from_metadata({key: text for key, text in PLAIN.items() if key != name})


@pytest.mark.parametrize(("text", "adopted"), [("True", True), ("False", False), ("", False)])
def test_a_task_is_adopted_where_it_says_so(text, adopted):
    assert read(Stage.RUNNING, adopted=text).adopted is adopted
