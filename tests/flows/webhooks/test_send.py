"""How a job ended is told at least once, under one id, to whoever was named; and to nobody for ever."""

import contextlib
import json
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.adapters.state.outbox import Entry
from lib.core.webhooks import PAUSES_S, TRIES
from lib.flows.requests.delete import delete
from lib.flows.tick_state import TickState
from lib.flows.webhooks.announce import announce
from lib.flows.webhooks.send import _batch, in_turns, retry_after_s
from lib.wiring.runtime import at_once
from tests.receivers import PLACE, secret

SECRETS = {"local": [secret("n"), secret("o")]}


@pytest.fixture
def world(make_world):
    return make_world(env={"WEBHOOK_SECRETS": json.dumps(SECRETS)})


def post(world, way, **fields):
    answer = world.post(webhook_url=f"{PLACE}/{way}/x", **fields)
    assert answer.status_code == 202, answer.text
    return answer.get_json()["id"]


def days(world, count=2):
    """A tick a minute, without the minutes in which none would find anything due."""
    end = world.clock.now() + count * 86400
    while world.clock.now() < end:
        world.tick()
        entries = world.context.outbox.entries()
        if not entries:
            return
        now = world.clock.now()
        wake = min(max(one.next_at, one.until) for one in entries)
        world.clock.advance(max(60, min(wake, end) - now))


def test_a_film_is_toldat_once_and_signed_by_both_secrets(world):
    job_id = post(world, "ok")
    world.run()
    (heard,) = world.receivers.heard
    assert heard.event["type"] == "video.completed"
    assert heard.event["data"] == {"id": job_id, "object": "video", "status": "completed"}
    assert heard.id == heard.event["id"] == "msg_" + job_id.removeprefix("vid_")
    assert all(heard.signed_by(each) for each in SECRETS["local"])
    assert not heard.signed_by(secret("x"))
    assert heard.headers["user-agent"].startswith("inbetween")
    assert abs(int(heard.headers["webhook-timestamp"]) - heard.at) < 20
    assert world.names("outbox/") == []
    before = len(world.receivers.heard)
    for _ in range(5):
        world.clock.advance(3600)
        world.tick()
    assert len(world.receivers.heard) == before


@pytest.mark.parametrize(
    ("status", "suffix"), [("failed", " #moderation"), ("cancelled", ""), ("expired", "")]
)
def test_other_endings_are_told_too(world, status, suffix):
    if status != "failed":
        world.upstream.faults.add(operation="create", kind="rate", times=10**6)
    job_id = post(world, "ok", prompt=f"rain{suffix}")
    if status == "cancelled":
        assert world.client.post(f"/v1/videos/{job_id}/cancel").status_code == 200
    if status == "expired":
        world.clock.advance(24 * 3600 + 60)
    world.run()
    world.tick()
    (heard,) = world.receivers.of(job_id)
    assert heard.event["type"] == f"video.{status}"


def test_eight_tries_over_a_day_and_then_no_more(world):
    job_id = post(world, "500")
    world.run()
    days(world)
    heard = world.receivers.of(job_id)
    assert len(heard) == TRIES
    assert len({one.id for one in heard}) == 1
    gaps = [later.at - earlier.at for earlier, later in pairwise(heard)]
    for gap, pause_s in zip(gaps, PAUSES_S, strict=True):
        assert pause_s <= gap <= pause_s + 120
    assert world.names("outbox/") == []
    # Each try is signed for its own moment.
    assert len({one.headers["webhook-timestamp"] for one in heard}) == TRIES
    log = world.context.jobs.webhook_log("local", job_id)
    assert [(one.number, one.status, one.outcome) for one in log] == [
        (number, 500, "refused") for number in range(1, TRIES + 1)
    ]


@pytest.mark.parametrize(
    ("way", "tries", "last"),
    [
        ("weak", 3, (200, "delivered")),
        ("410", 1, (410, "gone")),
        ("404", TRIES, (404, "refused")),
        ("moves", TRIES, (302, "redirected")),
        ("hang", TRIES, (0, "no_answer")),
        ("die", TRIES, (0, "no_answer")),
        ("299", 1, (299, "delivered")),
    ],
)
def test_what_an_answer_means(world, way, tries, last):
    job_id = post(world, way)
    world.run()
    days(world)
    log = world.context.jobs.webhook_log("local", job_id)
    assert len(log) == len(world.receivers.of(job_id)) == tries
    assert (log[-1].status, log[-1].outcome) == last
    assert world.names("outbox/") == []
    assert not [one for one in world.receivers.heard if one.way == "ok"]  # no redirect was followed


def test_retry_after_is_honoured(world):
    job_id = post(world, "later")
    world.run()
    days(world)
    first, second = world.receivers.of(job_id)
    assert 1000 <= second.at - first.at <= 1120


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0), ("7", 7), ("-7", 0), ("soon", 0), ("9" * 400, 86400), ("\u0661", 0),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 500), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 999999 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(text, seconds):
    assert retry_after_s(text, 100.0) == seconds


def test_a_process_that_dies_costs_one_try_and_never_loops(world):
    """Each time it dies right after the receiver took it: the receiver is not asked for ever."""
    job_id = post(world, "ok")
    world.clock.advance(90)

    class Dead(BaseException):
        pass

    def killed(_calls):
        [call() for call in _calls]
        raise Dead

    dying = world.instance()
    object.__setattr__(dying.context, "together", killed)
    for _ in range(300):
        with contextlib.suppress(Dead):
            dying.tick()
        world.clock.advance(600)
        if not world.names("outbox/") and not world.names("pending/"):
            break
    assert len(world.receivers.of(job_id)) == TRIES
    log = world.context.jobs.webhook_log("local", job_id)
    assert {one.outcome for one in log} == {"interrupted"}


def test_an_entry_written_late_is_found_out_before_it_is_sent(world):
    job_id = post(world, "ok")
    world.run()
    (finished,) = [world.context.jobs.finished("local", job_id)]
    announce(world.context, finished)
    assert len(world.names("outbox/")) == 1
    world.tick()
    assert world.names("outbox/") == []
    assert len(world.receivers.heard) == 1


def test_a_delete_drops_what_was_not_delivered(world):
    job_id = post(world, "500")
    world.run()
    assert len(world.names("outbox/")) == 1
    delete(world.context, "local", job_id)
    assert world.names("outbox/") == []
    heard = len(world.receivers.heard)
    for _ in range(12):
        world.clock.advance(3600)
        world.tick()
    assert len(world.receivers.heard) == heard
    # The log went, too: what is left is the tombstone.
    assert "webhook" not in (world.bucket.get_blob(f"jobs/local/{job_id}.json").metadata or {})


def test_an_entry_of_a_deleted_job_is_never_sent(world):
    job_id = post(world, "ok")
    world.run()
    finished = world.context.jobs.finished("local", job_id)
    delete(world.context, "local", job_id)
    announce(world.context, finished)
    world.tick()
    assert len(world.receivers.heard) == 1
    assert world.names("outbox/") == []


def test_one_host_that_hangs_delays_nobody_elses_webhook_by_more_than_one_try(make_world):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps(SECRETS)})
    hanging = [post(world, "hang", prompt=f"h{n}") for n in range(6)]
    world.run(ticks=60)
    world.clock.advance(3600)
    began, before = world.clock.now(), len(world.receivers.heard)
    world.tick()
    # At most one batch of four for that host in one tick, in turn here, at once under threads.
    assert len(world.receivers.heard) - before <= 4
    assert world.clock.now() - began <= 61
    assert len(world.names("outbox/")) == len(hanging)


def test_idle_ticks_look_at_the_outbox_only_where_somebody_has_a_secret(make_world):
    for env, lists in (({}, 1), ({"WEBHOOK_SECRETS": json.dumps(SECRETS)}, 2)):
        world = make_world(env=env)
        world.tick()
        world.storage.traffic.clear()
        world.tick()
        asked = [row["kind"] for row in world.storage.traffic.log()]
        assert asked == ["objects.list"] * lists


def test_a_secret_that_was_taken_away_ends_in_the_log_and_not_in_a_bare_payload(world, make_world):
    job_id = post(world, "ok")
    world.clock.advance(90)
    world.config = replace(world.config, webhook_secrets={"bob": (secret(),)})
    other = world.instance()
    for _ in range(10):
        other.tick()
        world.clock.advance(10)
    assert world.receivers.heard == []
    (entry,) = other.context.outbox.entries()
    assert entry.id == job_id
    assert entry.log[-1].outcome == "no_secret"
    days(world)
    assert len(world.receivers.heard) == 1


def test_an_outbox_that_cannot_be_listed_stops_no_film(world):
    world.storage.faults.add(method="GET", object="outbox/*", status=503, times=10**6)
    job_id = post(world, "ok")
    world.run()
    assert world.job(job_id)["status"] == "completed"


def entry(owner, number, next_at, host="h"):
    return Entry(owner, f"vid_{number:027}", None, "by", host, next_at)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.sampled_from("xyz")), max_size=40
    )
)
def test_owners_take_turns_and_no_host_takes_the_batch(rows):
    entries = [entry(owner, n, at, host) for n, (owner, at, host) in enumerate(rows)]
    turns = in_turns(entries)
    assert sorted(one.id for one in turns) == sorted(one.id for one in entries)
    seen = Counter()
    for one in turns:
        seen[one.owner] += 1
        # Nobody is served a second time before everybody who waits was served once.
        behind = [o for o in "abc" if seen[o] < seen[one.owner] - 1]
        assert all(seen[o] == sum(e.owner == o for e in entries) for o in behind)
    for owner in "abc":
        own = [one.next_at for one in turns if one.owner == owner]
        assert own == sorted(own)
    tick_state = TickState(0.0)
    tick_state.silent.add("x")
    told = []
    batch, waiting = _batch(turns, tick_state)
    while batch:
        assert len(batch) <= 8
        assert max(Counter(one.host for one in batch).values()) <= 4
        told += batch
        batch, waiting = _batch(waiting, tick_state)
    assert sorted(one.id for one in told) == sorted(e.id for e in entries if e.host != "x")


def test_slow_receivers_are_waited_for_side_by_side():
    """Real threads and real seconds, as the functions do it."""
    calls = [lambda n=n: (time.sleep(0.4), n)[1] for n in range(8)]
    began = time.monotonic()
    assert at_once(calls) == list(range(8))
    assert time.monotonic() - began < 2.0
    assert at_once([]) == []
