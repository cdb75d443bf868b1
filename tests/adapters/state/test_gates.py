"""What is read of a gate: nothing closes one for longer than minutes, whatever stands in it."""

import pytest

from tests.flows.odd import put
from tests.world import START

ACCOUNT = "singapore"


@pytest.fixture
def ledger(world):
    return world.context.ledger


def test_no_gate_is_closed_for_longer_than_five_minutes_and_no_watch_kept_for_longer_than_a_tick(
    world, ledger
):
    now = world.clock.now()
    closed = ledger.move_gate(ledger.gate(ACCOUNT), "t", next_send=now + 9999)
    assert closed.next_send == ledger.gate(ACCOUNT).next_send == now + 300
    kept = ledger.move_poll_lease(
        ledger.poll_lease(ACCOUNT), "t", until=now + 9999, next_list=now + 9999
    )
    assert kept.until == ledger.poll_lease(ACCOUNT).until == now + 1800
    assert kept.next_list == now + 300


HUGE = ("1e400", "nan", "inf", "-5", "\u00b2", "9" * 2000, "", "soon")


@pytest.mark.parametrize("text", [*HUGE, repr(START + 365 * 86400), "1e11"])
def test_a_gate_that_cannot_be_read_closes_nothing(world, text):
    values = ("next_send", "free", "strikes")
    put(world, "gates/singapore", b"", dict.fromkeys(values, text))
    put(world, "gates/singapore.watch", b"", {"until": text, "next_list": text})
    for name in ("gates/", "gates/readme.txt", "gates/singapore/x"):
        put(world, name, b"?", {"next_send": text})
    job_id = world.post().get_json()["id"]
    world.run(ticks=4)
    assert world.job(job_id)["status"] == "completed"
    assert world.tick()["unreadable"] == 0


def test_no_answer_closes_a_gate_for_longer_than_minutes(world):
    gate = world.context.ledger.gate("singapore")
    year_s = 365 * 86400.0
    moved = world.context.ledger.move_gate(
        gate, "by", next_send=world.clock.now() + year_s, free=99, consecutive_refusals=10_000
    )
    assert moved.next_send <= world.clock.now() + 300
    assert (moved.free, moved.consecutive_refusals) == (2, 16)
    job_id = world.post().get_json()["id"]
    world.run(ticks=10, pause_s=60)
    assert world.job(job_id)["status"] == "completed"
