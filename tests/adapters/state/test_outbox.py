"""Webhooks that wait in the bucket: an entry that cannot be read is left alone."""

import json

import pytest

from tests.flows.odd import ID, events, look, pending, put
from tests.receivers import PLACE, secret
from tests.world import START

HUGE = ("1e400", "nan", "inf", "-5", "\u00b2", "9" * 2000, "", "soon")


_, BODY, CARD = pending(int("1" * 27, 16), "alice", created_at=START)


RECORD = {"intent": {**BODY, "owner": "local"}, "verdict": {"status": "expired", "ended_at": START}}


WEBHOOK = {"by": "b", "host": "h", "base": "0", "next_at": "1.0", "until": "0.0", "log": "[]"}


ENTRIES = {
    "the console's folder": ("outbox/", {}),
    "a text": ("outbox/readme.txt", {}),
    "another id": ("outbox/alice/vid_1.json", WEBHOOK),
    "no metadata": (f"outbox/alice/{ID}.json", {}),
    **{
        f"next_at {text[:9]!r}": (f"outbox/alice/{ID}.json", {**WEBHOOK, "next_at": text})
        for text in HUGE
    },
    **{
        f"base {text[:9]!r}": (f"outbox/alice/{ID}.json", {**WEBHOOK, "base": text})
        for text in HUGE
    },
    "a log of another shape": (f"outbox/alice/{ID}.json", {**WEBHOOK, "log": '{"a": [1]}'}),
    "a log of short rows": (f"outbox/alice/{ID}.json", {**WEBHOOK, "log": "[[1, 2]]"}),
    "no log at all": (f"outbox/alice/{ID}.json", {**WEBHOOK, "log": "{"}),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_a_webhook_that_cannot_be_read_is_left_alone(make_world, capsys, what):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret("n")]})})
    name, card = ENTRIES[what]
    put(world, name, b"", card)
    before = look(world, name)
    job_id = world.post(webhook_url=f"{PLACE}/ok/x").get_json()["id"]
    world.run()
    assert [one.event["data"]["id"] for one in world.receivers.heard] == [job_id]
    capsys.readouterr()
    assert world.tick()["unreadable"] == 1
    said = capsys.readouterr().out
    assert len(events(said, "object.unreadable")) == 1
    assert "alice" not in said
    assert look(world, name) == before


@pytest.mark.parametrize("what", ["the body", "the log"])
def test_a_webhook_of_a_record_that_cannot_be_read_waits(make_world, what):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret("n")]})})
    other = world.post(webhook_url=f"{PLACE}/ok/x").get_json()["id"]
    record, entry = f"jobs/local/{ID}.json", f"outbox/local/{ID}.json"
    if what == "the body":
        put(world, record, b"{", {"status": "completed"})
    else:
        put(world, record, RECORD, {"status": "completed", "webhook": '[["x"]]'})
    put(world, entry, b"", WEBHOOK)
    before = look(world, record), look(world, entry)
    world.run()
    assert world.tick()["unreadable"] == 1
    assert [one.event["data"]["id"] for one in world.receivers.heard] == [other]
    assert (look(world, record), look(world, entry)) == before
