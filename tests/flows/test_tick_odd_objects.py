"""One odd thing in the bucket stays one odd thing: left alone, counted, named, and nobody else notices."""

import json
from dataclasses import replace

import pytest

from lib.core.errors import ApiError
from lib.core.jobs.job import FrameRef, Stage, Status, Verdict
from lib.flows.tasks.finish import finish
from tests.flows.odd import ID, events, look, pending, put
from tests.world import START

HUGE = ("1e400", "nan", "inf", "-5", "\u00b2", "9" * 2000, "", "soon")
NAME = f"pending/alice/{ID}.json"
_, BODY, CARD = pending(int("1" * 27, 16), "alice", created_at=START)
TASK = {"task_id": "t-1", "accepted_at": repr(START - 3600)}
LEASE = {"until": repr(START - 100)}

NAMES = {
    "the console's folder": ("pending/", b"", {}),
    "a folder of an owner": ("pending/alice/", b"", {}),
    "a text": ("pending/readme.txt", b"do not touch", {}),
    "a folder deeper": (f"pending/alice/old/{ID}.json", BODY, CARD),
    "another id": ("pending/alice/vid_1.json", BODY, CARD),
    "another owner": (f"pending/a b/{ID}.json", BODY, CARD),
    "another ending": (f"pending/alice/{ID}.json.bak", BODY, CARD),
    "nothing": ("pending//.json", b"", {}),
}
CARDS = {
    "no metadata": {},
    "no stage": {name: text for name, text in CARD.items() if name != "stage"},
    "a newer stage": {**CARD, "stage": "rendering"},
    "no token": {name: text for name, text in CARD.items() if name != "by"},
    "no time": {name: text for name, text in CARD.items() if name != "since"},
    **{f"since {text[:9]!r}": {**CARD, "since": text} for text in HUGE},
    **{f"until {text[:9]!r}": {**CARD, "until": text} for text in HUGE},
    **{f"tries {text[:9]!r}": {**CARD, "tries": text} for text in HUGE},
    "a lease without end": {**CARD, "stage": "sending"},
    "a doubt without window": {**CARD, "stage": "unsure"},
    "a doubt without model": {**CARD, "stage": "unsure", **LEASE, "model": ""},
    "a task without id": {**CARD, "stage": "running", "accepted_at": "5.0"},
    "a task without time": {**CARD, "stage": "running", "task_id": "t"},
}
BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe",
    "null": b"null",
    "a list": [BODY],
    "deep": b"[" * 100_000,
    "no request": {**BODY, "request": None},
    "no frame": {name: value for name, value in BODY.items() if name != "first"},
    "a frame of numbers": {**BODY, "first": {**BODY["first"], "object": 7}},
    "a size of texts": {**BODY, "size": ["640", None]},
    "a time beyond all bounds": json.dumps(BODY).replace(repr(START), "1e400").encode(),
    "another job's": {**BODY, "id": "vid_" + "2" * 27},
    "another owner's": {**BODY, "owner": "bob"},
}
STAGES = {
    "queued": {},
    "queued for two days": {"since": repr(START - 172800)},
    "sending": {"since": repr(START - 200), **LEASE},
    "unsure": {"since": repr(START - 200), **LEASE},
    "running": TASK,
    "copying": {**TASK, **LEASE, "since": repr(START - 200)},
    "cancelled": {},
}


def stays(world, capsys, name):
    """An innocent's film comes home in the same ticks; the odd object is what it was, and is named."""
    before = look(world, name)
    job_id = world.post().get_json()["id"]
    capsys.readouterr()
    for _ in range(4):
        summary = world.tick()
        said = capsys.readouterr().out
        assert summary["unreadable"] == 1, summary
        assert "errors" not in summary, summary
        (line,) = events(said, "object.unreadable")
        assert line["severity"] == "ERROR"
        assert "alice" not in said
        assert events(said, "tick.done")[0]["unreadable"] == 1
        world.clock.advance(60)
    assert world.job(job_id)["status"] == "completed"
    assert look(world, name) == before
    assert len(world.paid()) == 1


@pytest.mark.parametrize("what", NAMES)
def test_an_object_of_another_name_is_left_alone(world, capsys, what):
    put(world, *NAMES[what])
    stays(world, capsys, NAMES[what][0])


@pytest.mark.parametrize("what", CARDS)
def test_a_state_that_cannot_be_read_is_left_alone(world, capsys, what):
    put(world, NAME, BODY, CARDS[what])
    stays(world, capsys, NAME)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", ["no JSON", "another owner's"])
def test_a_body_that_cannot_be_read_is_left_alone_in_every_stage(world, capsys, what, stage):
    put(world, NAME, BODIES[what], {**CARD, "stage": stage.split()[0], **STAGES[stage]})
    if stage == "queued for two days":
        world.clock.advance(172800)
    stays(world, capsys, NAME)


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_cannot_be_read_is_never_sent(world, capsys, what):
    put(world, NAME, BODIES[what], CARD)
    stays(world, capsys, NAME)


def test_ten_thousand_odd_objects_are_counted_and_a_few_are_named(world, capsys):
    for number in range(500):
        put(world, f"pending/alice/{number}.txt")
    capsys.readouterr()
    assert world.tick()["unreadable"] == 500
    assert len(events(capsys.readouterr().out, "object.unreadable")) == 50


CALLS = {
    "get": ("GET", ""),
    "content": ("GET", "/content"),
    "cancel": ("POST", "/cancel"),
    "retry": ("POST", "/retry"),
    "delete": ("DELETE", ""),
    "deliveries": ("GET", "/webhook-deliveries"),
    "redeliver": ("POST", "/webhook-deliveries"),
}
RECORD = {"intent": {**BODY, "owner": "local"}, "verdict": {"status": "expired", "ended_at": START}}
RECORDS = {
    "no JSON": b"<html>",
    "null": b"null",
    "no verdict": {"intent": RECORD["intent"]},
    "a newer status": {**RECORD, "verdict": {"status": "paused", "ended_at": START}},
    "an end beyond all bounds": {**RECORD, "verdict": {"status": "expired", "ended_at": "1e400"}},
    "paid perhaps": {**RECORD, "verdict": {**RECORD["verdict"], "paid": "perhaps"}},
    "a tombstone perhaps": {"deleted": "perhaps"},
    "another's": {**RECORD, "intent": BODY},
}


def refused(world, method, path):
    answer = world.client.open(path, method=method)
    assert answer.status_code == 503, answer.text
    error = answer.get_json()["error"]
    assert (error["code"], error["retryable"]) == ("record_unreadable", True)
    assert "kept" in error["message"]
    return error


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("what", ["pending", "body", *RECORDS])
def test_a_call_about_a_record_that_cannot_be_read_says_so(world, call, what):
    method, rest = CALLS[call]
    name = f"pending/local/{ID}.json"
    if what == "pending":
        put(world, name, {**BODY, "owner": "local"}, {**CARD, "stage": "rendering"})
    elif what == "body":
        put(world, name, b"{", CARD)
    else:
        name = f"jobs/local/{ID}.json"
        put(world, name, RECORDS[what], {"status": "expired"})
    before = look(world, name)
    refused(world, method, f"/v1/videos/{ID}{rest}")
    assert look(world, name) == before


def test_a_record_that_cannot_be_read_is_left_out_of_lists(world, capsys):
    put(world, f"jobs/local/{ID}.json", b"{", {"status": "\u00b2", "accepted": "1e400"})
    put(world, "jobs/local/readme.txt", b"x", {})
    put(world, "jobs/local/", b"", {})
    put(world, f"pending/local/vid_{'2' * 27}.json", b"{", {**CARD, "stage": "rendering"})
    job_id = world.post().get_json()["id"]
    capsys.readouterr()
    for query in ("", "?status=expired,queued,in_progress", "?order=asc", "?limit=1"):
        listed = world.client.get(f"/v1/videos{query}")
        assert listed.status_code == 200, listed.text
        assert [job["id"] for job in listed.get_json()["data"]] == [job_id], query
    assert events(capsys.readouterr().out, "object.unreadable")
    tasks = world.client.get("/api/v1/tasks/")
    assert tasks.status_code == 200
    assert [row["task_id"] for row in tasks.get_json()["data"]] == [job_id]


def test_a_verdict_that_cannot_be_read_is_never_overwritten_and_forbids_sending(world, capsys):
    world.upstream.overflow = "queue"
    blockers = [world.post(prompt=f"blocker {number}").get_json()["id"] for number in range(3)]
    job_id = world.post().get_json()["id"]
    held = world.context.jobs.live("local", job_id)
    intent = world.context.jobs.intent(held)
    record = f"jobs/local/{job_id}.json"
    put(world, record, b"{", {"status": "paused"})
    before = look(world, record), look(world, held.name)
    cancelled = replace(held, state=held.state.to(Stage.CANCELLED, by="b", now=1.0))
    with pytest.raises(ApiError) as caught:
        finish(world.context, cancelled, intent, Verdict(Status.CANCELLED, 1.0))
    assert caught.value.kind.code == "record_unreadable"
    for _ in range(6):
        world.tick()
        world.clock.advance(60)
    assert (look(world, record), look(world, held.name)) == before
    assert len(world.paid()) == 3
    assert all(world.job(each)["status"] == "completed" for each in blockers)
    assert events(capsys.readouterr().out, "object.unreadable")


@pytest.mark.parametrize("card", [{}, {"job": ""}, {"JOB": "x"}])
def test_a_claim_that_cannot_be_read_is_disputed(world, card):
    put(world, "claims/singapore/t-1", b"?", card)
    put(world, "claims/singapore/", b"", {})
    put(world, "claims/", b"", {})
    assert world.context.ledger.claims("singapore")["t-1"].job == "disputed"
    assert world.context.ledger.claim("singapore", "t-1", ID) == "disputed"


def test_one_id_under_two_owners_hides_nobody(world):
    job_id = world.post().get_json()["id"]
    stored = look(world, f"pending/local/{job_id}.json")
    put(world, f"pending/zoe/{job_id}.json", stored[3], stored[2])
    for _ in range(4):
        world.tick()
        world.clock.advance(60)
    assert world.job(job_id)["status"] == "completed"
    assert world.names("pending/") == [f"pending/zoe/{job_id}.json"]


def test_a_frame_is_read_field_by_field():
    ref = FrameRef.read({**BODY["first"], "newer": 1}, "the frame")
    assert ref.width == 640
