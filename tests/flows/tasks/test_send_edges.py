"""The one create of an intent, at its edges: leases to the second, what an answer writes, how long we pause."""

import io
import os

import pytest
from PIL import Image

from lib.core import errors
from lib.core.jobs.job import Stage, Status, Verdict
from lib.core.request import VideoRequest
from lib.core.upstream.outcomes import Refused
from lib.flows.requests.submit import submit
from lib.flows.tasks import send as sending
from lib.flows.tasks.prepare import prepare
from lib.flows.tasks.send import dispatch, lease, send, slow_down, unsure
from tests.flows.tasks.stored import ACCOUNT, Script, again, job, verdict
from tests.flows.tasks.test_clocks_edges import shown
from tests.flows.tasks.test_reconcile_paid_once import request
from tests.hooks import instance, is_create, refused

FULL = Refused(errors.RATE_LIMITED, "Throttling", "full", waits=True, limited=True)


@pytest.fixture
def upstream(world):
    return Script(world)


def carried(context, held, within_s=10.0):
    return dispatch(context, held, context.jobs.intent(held), within_s)[0]


def handed(context, held):
    """Send with a lease that was won before; what the sender knows of the job then."""
    intent = context.jobs.intent(held)
    return send(context, held, intent, prepare(context, intent, 10.0))


def gate(world):
    return world.bucket.get_blob(f"gates/{ACCOUNT}").metadata


# Leases


def test_preparing_has_the_time_that_the_functions_timeouts_leave_it():
    assert (sending.TICK_S, sending.POST_S) == (80.0, 10.0)


@pytest.mark.parametrize(
    ("given", "until_s"), [((), 30), ((0.0,), 30), ((5.0,), 35), ((40.0,), 70), ((100.0,), 70)]
)
def test_a_lease_lasts_for_the_usual_time_and_for_what_a_large_body_takes(world, given, until_s):
    state = lease(world.context, job(world, reason="rate_limited").state, *given)
    now = world.clock.now()
    assert (state.stage, state.since, state.until) == (Stage.SENDING, now, now + until_s)
    assert state.reason == ""


def test_a_lease_says_where_it_sends_and_with_which_key(world):
    held = job(world, key="old", region="")
    state = lease(world.context, held.state)
    assert (state.region, state.key) == (ACCOUNT, world.context.upstreams[ACCOUNT].key_id)
    gone = job(world, 2, key="old", region="", account="gone")
    assert lease(world.context, gone.state).key == "old"


@pytest.mark.parametrize(("left_s", "goes"), [(10.0, True), (0.0, True), (-0.5, False)])
def test_nothing_is_sent_after_the_lease(world, upstream, left_s, goes):
    held = job(world, 1, "sending", until=world.clock.now() + left_s)
    handed(upstream.context(), held)
    assert len(upstream.times("create")) == int(goes)
    assert again(world, held).state.stage is (Stage.RUNNING if goes else Stage.SENDING)


def test_nothing_is_sent_for_a_job_with_its_verdict(world, upstream):
    held = job(world, 1, "sending")
    context = world.context
    context.jobs.finish(context.jobs.intent(held), held.state, Verdict(Status.FAILED, 1.0))
    handed(upstream.context(), held)
    assert upstream.asked == []
    assert again(world, held) is None


# Before the lease


def uploading(world, takes_s):
    """An instance whose upload of a frame takes so long, a queued job of it, and what it was asked."""
    world.deploy({"FRAME_DELIVERY": "upload"})
    made, asked = [], []

    def hook(asked_for, send_on):
        if is_create(asked_for):
            asked.append(world.clock.now())
        elif asked_for.method == "POST" and not made:
            made.append(asked_for)
            world.clock.advance(takes_s)
        return send_on(asked_for)

    context = instance(world, upstream=hook).context
    world.context.ledger.move_gate(world.context.ledger.gate(ACCOUNT), "t", free=0)
    job_id = submit(world.context, "local", request()).job.intent.id
    return context, world.context.jobs.live("local", job_id), asked


@pytest.mark.parametrize(
    ("takes_s", "word"), [(0.0, "sent"), (9.5, "sent"), (10.0, "sent"), (10.5, "prepared")]
)
def test_what_was_prepared_for_too_long_is_sent_by_a_later_tick(make_world, takes_s, word):
    world = make_world()
    context, held, asked = uploading(world, takes_s)
    assert carried(context, held) == word
    assert len(asked) == int(word == "sent")
    assert again(world, held).state.stage is (Stage.RUNNING if asked else Stage.QUEUED)


def noise(side=300):
    """A picture that no compression makes small."""
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(("more_s", "word"), [(0.0, "sent"), (-0.01, "prepared")])
def test_what_a_large_body_takes_counts_as_preparing(make_world, more_s, word):
    world = make_world(env={"FRAME_DELIVERY": "inline"})
    world.context.ledger.move_gate(world.context.ledger.gate(ACCOUNT), "t", free=0)
    fields = {"first_frame": noise(), "last_frame": noise(), "prompt": "rain"}
    made = submit(world.context, "local", VideoRequest.parse(fields))
    held = world.context.jobs.live("local", made.job.intent.id)
    takes_s = prepare(world.context, world.context.jobs.intent(held), 10.0).takes_s
    assert takes_s > 1
    assert carried(world.context, held, takes_s + more_s) == word
    assert len(world.paid()) == int(word == "sent")


def test_what_cannot_be_prepared_waits_with_its_reason_and_one_try_more(make_world):
    world = make_world(env={"FRAME_DELIVERY": "upload"})
    held = job(world, tries=1)
    down = instance(world, upstream=lambda asked, _send: refused(asked, 503)).context
    world.clock.advance(5)
    # A frame that is not there is named by its link; these are.
    world.bucket.blob(down.jobs.intent(held).first.object).upload_from_string(b"x" * 100)
    assert carried(down, held) == "unprepared"
    state = again(world, held).state
    assert (state.stage, state.tries, state.since) == (Stage.QUEUED, 2, world.clock.now())
    assert state.reason == "upstream_unavailable"
    assert gate(world)["free"] == "0"


def test_whoever_loses_the_lease_sends_nothing(world, upstream):
    held = job(world)
    other = lease(world.context, held.state)
    world.context.jobs.patch(held, other)
    assert carried(upstream.context(), held) == "taken_by_another"
    assert upstream.asked == []
    assert again(world, held).state == other


# What the answer writes


def test_an_accepted_job_runs_from_now_on_and_its_failures_are_forgotten(world, upstream):
    upstream.takes_s["create"] = 3.0
    held = job(world, tries=4, reason="rate_limited")
    assert carried(upstream.context(), held) == "sent"
    state, now = again(world, held).state, world.clock.now()
    assert (state.stage, state.task_id, state.adopted) == (Stage.RUNNING, "made-1", False)
    assert (state.since, state.accepted_at) == (now, now)
    assert (state.tries, state.reason, state.until) == (0, "", 0.0)
    assert world.context.ledger.claims(ACCOUNT)["made-1"].job == held.id


def test_a_task_that_another_job_claimed_is_not_ours(world, upstream):
    world.context.ledger.claim(ACCOUNT, "made-1", "vid_another", "")
    held = job(world, 1, "sending")
    handed(upstream.context(), held)
    assert again(world, held) == held


def test_a_refusal_that_waits_queues_the_job_from_now_on_with_one_try_more(world, upstream):
    upstream.statuses["create"] = 429
    upstream.takes_s["create"] = 3.0
    held = job(world, 1, "sending", tries=2)
    handed(upstream.context(), held)
    state = again(world, held).state
    assert (state.stage, state.tries, state.reason) == (Stage.QUEUED, 3, "rate_limited")
    assert state.since == world.clock.now()
    assert gate(world)["strikes"] == "1"


def test_a_refusal_of_the_request_ends_the_job_now_and_unpaid(world, upstream):
    upstream.statuses["create"] = 400
    upstream.takes_s["create"] = 3.0
    held = job(world, 1, "sending")
    handed(upstream.context(), held)
    ending = verdict(world, held)
    assert (ending.status, ending.paid) == (Status.FAILED, False)
    assert ending.ended_at == world.clock.now()
    assert (ending.failure.upstream_code, ending.failure.retryable) == ("Odd", False)


def test_a_clock_that_is_off_makes_the_job_wait_and_sends_nothing(world, upstream):
    held, context = job(world, 1, "sending"), upstream.context()
    shown(context.upstreams[ACCOUNT].clock, world.clock.now(), 4000)
    handed(context, held)
    assert upstream.asked == []
    state = again(world, held).state
    assert (state.stage, state.reason) == (Stage.QUEUED, "clock_off")
    assert verdict(world, held) is None


def test_a_doubt_keeps_token_and_times_of_its_send(world, upstream):
    upstream.statuses["create"] = 500
    held = job(world, 1, "sending")
    handed(upstream.context(), held)
    state = again(world, held).state
    assert state.stage is Stage.UNSURE
    assert (state.by, state.since, state.until) == (
        held.state.by,
        held.state.since,
        held.state.until,
    )


# What the sender knows afterwards, without a look into the bucket


@pytest.mark.parametrize("status", [200, 500, 429])
def test_a_sender_knows_the_job_as_it_left_it(world, upstream, status):
    upstream.statuses["create"] = status
    held = job(world, 1, "sending")
    known = handed(upstream.context(), held)
    assert known.state == again(world, held).state
    assert known.intent == world.context.jobs.intent(held)


def test_a_sender_knows_the_verdict_that_it_wrote(world, upstream):
    upstream.statuses["create"] = 400
    held = job(world, 1, "sending")
    assert handed(upstream.context(), held).verdict == verdict(world, held)


def test_a_sender_that_meets_the_end_of_its_job_knows_it(world, upstream):
    held = job(world, 1, "sending")
    intent = world.context.jobs.intent(held)
    ended = world.context.jobs.finish(intent, held.state, Verdict(Status.EXPIRED, 5.0))
    known = send(upstream.context(), held, intent, None)
    assert (known.verdict, upstream.asked) == (ended, [])


def test_a_sender_that_meets_a_tombstone_knows_nothing(world, upstream):
    held = job(world, 1, "sending")
    intent = world.context.jobs.intent(held)
    world.context.jobs.finish(intent, held.state, Verdict(Status.EXPIRED, 5.0))
    world.context.jobs.purge(held.owner, held.id, 6.0)
    assert send(upstream.context(), held, intent, None) is None
    assert upstream.asked == []


def test_a_refusal_of_a_job_that_was_deleted_meanwhile_is_nobodys(world, upstream):
    held = job(world, 1, "sending")
    intent = world.context.jobs.intent(held)

    def deleted(_kind):
        world.context.jobs.finish(intent, held.state, Verdict(Status.EXPIRED, 5.0))
        world.context.jobs.purge(held.owner, held.id, 6.0)

    upstream.statuses["create"], upstream.before = 400, deleted
    assert handed(upstream.context(), held) is None


@pytest.mark.parametrize("status", [200, 500, 429])
def test_a_sender_that_lost_its_job_to_another_knows_nothing(world, upstream, status):
    upstream.statuses["create"] = status
    held = job(world, 1, "sending")
    frozen = held.state.to(Stage.UNSURE, by="f" * 16, now=held.state.since, until=held.state.until)
    upstream.before = lambda _kind: world.context.jobs.patch(held, frozen)
    assert handed(upstream.context(), held) is None


# Late answers


def test_the_sender_that_holds_the_answer_moves_what_a_tick_put_in_doubt(world, upstream):
    held = job(world, 1, "sending")
    upstream.before = lambda _kind: unsure(world.context, held)
    handed(upstream.context(), held)
    state = again(world, held).state
    assert (state.stage, state.task_id) == (Stage.RUNNING, "made-1")


def test_a_late_answer_moves_nothing_that_another_holds(world, upstream):
    held = job(world, 1, "sending")
    frozen = held.state.to(Stage.UNSURE, by="f" * 16, now=held.state.since, until=held.state.until)
    upstream.before = lambda _kind: world.context.jobs.patch(held, frozen)
    handed(upstream.context(), held)
    assert again(world, held).state == frozen


def test_a_late_answer_for_a_job_that_is_gone_is_nobodys(world, upstream):
    held = job(world, 1, "sending")
    upstream.before = lambda _kind: world.bucket.blob(held.name).delete()
    handed(upstream.context(), held)
    assert world.names("pending/") == []


# Pauses


@pytest.mark.parametrize(
    ("strikes", "pause_s"), [(0, 2.0), (1, 4.0), (4, 32.0), (5, 60.0), (15, 60.0)]
)
def test_each_refusal_doubles_the_pause_up_to_a_minute(world, strikes, pause_s):
    context, now = world.context, world.clock.now()
    context.ledger.move_gate(context.ledger.gate(ACCOUNT), "t", consecutive_refusals=strikes)
    slow_down(context, ACCOUNT, FULL)
    told = gate(world)
    assert (told["free"], told["strikes"]) == ("0", str(strikes + 1))
    assert float(told["next_send"]) == now + pause_s


def test_a_pause_that_the_upstream_asked_for_is_kept_to_the_second(world):
    slow_down(
        world.context, ACCOUNT, Refused(errors.RATE_LIMITED, "T", "", waits=True, retry_after_s=7.5)
    )
    assert float(gate(world)["next_send"]) == world.clock.now() + 7.5
