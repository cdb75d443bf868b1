"""Sending what waits, at its edges: room, rate, turns, and what the posts are told by the gate."""

import pytest

from lib.core.jobs.job import Stage, Status, Verdict
from lib.flows.tasks.queue import expire, fairest, reopen, serve
from tests.flows.tasks.stored import ACCOUNT, Script, again, job, tick_state, verdict
from tests.flows.tasks.test_clocks_edges import shown

GATE = f"gates/{ACCOUNT}"


def gate(world, **changes):
    """Write the account's gate; the gate as it stands."""
    found = world.context.ledger.gate(ACCOUNT)
    return world.context.ledger.move_gate(found, "t", **changes) if changes else found


def written(world):
    """Its fields as they stand in the object."""
    return world.bucket.get_blob(GATE).metadata


def sent(world, *held):
    return [again(world, one).state.stage is Stage.RUNNING for one in held]


@pytest.fixture
def upstream(world):
    return Script(world)


# Places and rate


def test_one_job_is_sent_once_and_nobody_waits_for_it(world, upstream):
    held, began = job(world), world.clock.now()
    memory = tick_state(world, held)
    serve(upstream.context(), ACCOUNT, memory)
    assert upstream.times("create") == [began]
    assert memory.done == {"sent": 1}
    assert world.clock.now() == began


def test_of_three_two_are_sent_a_second_apart_and_nobody_waits_longer(world, upstream):
    three = [job(world, number) for number in (3, 2, 1)]
    began = world.clock.now()
    memory = tick_state(world, *three)
    serve(upstream.context(), ACCOUNT, memory)
    assert upstream.times("create") == [began, began + 1]
    assert sent(world, *three) == [True, True, False]
    assert memory.done == {"sent": 2}
    assert world.clock.now() == began + 1


@pytest.mark.parametrize(("takes_s", "second_s"), [(0.5, 1.0), (2.0, 2.0)])
def test_the_second_send_waits_for_the_gate_and_not_for_longer(world, upstream, takes_s, second_s):
    pair, began = [job(world, 2), job(world, 1)], world.clock.now()
    upstream.takes_s["create"] = takes_s
    serve(upstream.context(), ACCOUNT, tick_state(world, *pair))
    assert upstream.times("create") == [began, began + second_s]


def test_without_a_place_nothing_is_sent_and_nobody_moves_the_turn(world, upstream):
    gate(world, cursor="zoe", free=0)
    busy = [job(world, number, "running") for number in (7, 8)]
    serve(upstream.context(), ACCOUNT, tick_state(world, job(world), *busy))
    assert upstream.asked == []
    assert gate(world).cursor == "zoe"


def test_the_last_place_is_used(world, upstream):
    held = job(world)
    serve(upstream.context(), ACCOUNT, tick_state(world, held, job(world, 8, "running")))
    assert sent(world, held) == [True]


def test_a_doubt_holds_its_place_for_margin_skew_and_a_tasks_longest_time(world, upstream):
    until = world.clock.now() - 3 * 3600 - 70
    doubts = [job(world, n, "unsure", since=until - 30, until=until) for n in (7, 8)]
    held = job(world)
    serve(upstream.context(), ACCOUNT, tick_state(world, held, *doubts))
    assert sent(world, held) == [False]
    world.clock.advance(0.5)
    serve(upstream.context(), ACCOUNT, tick_state(world, held, *doubts))
    assert sent(world, held) == [True]


@pytest.mark.parametrize(("left_s", "goes"), [(10.0, True), (0.0, False)])
def test_jobs_are_sent_until_the_deadline_and_not_at_it(world, upstream, left_s, goes):
    held = job(world)
    serve(upstream.context(), ACCOUNT, tick_state(world, held, left_s=left_s))
    assert sent(world, held) == [goes]


@pytest.mark.parametrize(("in_s", "goes"), [(0.0, True), (0.5, False), (10.0, False)])
def test_nothing_is_sent_before_the_gate_opens(world, upstream, in_s, goes):
    held, opens = job(world), world.clock.now() + in_s
    gate(world, next_send=opens)
    memory = tick_state(world, held)
    serve(upstream.context(), ACCOUNT, memory)
    assert sent(world, held) == [goes]
    assert memory.sends == ({} if goes else {ACCOUNT: opens})


def test_while_one_is_sent_the_gate_is_closed_and_knows_whose_turn_it_was(world, upstream):
    seen = []
    upstream.before = lambda _kind: seen.append(written(world))
    began = world.clock.now()
    serve(upstream.context(), ACCOUNT, tick_state(world, job(world, owner="ada")))
    (during,) = seen
    assert (during["free"], during["cursor"]) == ("0", "ada")
    assert during["next_send"] == repr(began + 1)


def test_whoever_loses_the_gate_sends_nothing(world, upstream):
    gate(world, free=1)
    held, rivals = job(world), []

    def storage(request, send):
        if request.method == "PATCH" and "gates%2F" in request.url and not rivals:
            rivals.append(gate(world, free=0, next_send=world.clock.now() + 1))
        return send(request)

    memory = tick_state(world, held)
    serve(upstream.context(storage), ACCOUNT, memory)
    assert upstream.asked == []
    assert memory.done == {}
    assert gate(world) == rivals[0]


def test_nothing_is_sent_while_the_times_are_not_to_be_trusted(world, upstream):
    held, context = job(world), upstream.context()
    shown(context.upstreams[ACCOUNT].clock, world.clock.now(), 4000)
    memory = tick_state(world, held)
    serve(context, ACCOUNT, memory)
    assert upstream.times("create") == []
    state = again(world, held).state
    assert (state.tries, state.reason) == (0, "clock_off"), "nobody took the lease"
    assert memory.done == {"lists": 1, "clock_off": 1}


def test_where_nothing_waits_the_gate_opens_whatever_the_clocks_say(world, upstream):
    gate(world, free=0)
    context = upstream.context()
    shown(context.upstreams[ACCOUNT].clock, world.clock.now(), 4000)
    serve(context, ACCOUNT, tick_state(world))
    assert written(world)["free"] == "2"
    assert upstream.asked == []


# What uses up a place


def test_a_job_that_cannot_be_read_uses_up_no_place(world, upstream):
    spoilt, good = job(world, 2, body=b"{"), job(world, 1)
    memory = tick_state(world, spoilt, good, job(world, 8, "running"))
    serve(upstream.context(), ACCOUNT, memory)
    assert sent(world, good) == [True]
    assert list(memory.aside) == [spoilt.name]


def test_a_job_that_another_took_uses_up_no_place(world, upstream):
    gone, good = job(world, 2), job(world, 1)
    world.bucket.blob(gone.name).delete()
    memory = tick_state(world, gone, good, job(world, 8, "running"))
    serve(upstream.context(), ACCOUNT, memory)
    assert sent(world, good) == [True]
    assert memory.done == {"taken_by_another": 1, "sent": 1}


def test_a_job_with_its_verdict_is_tidied_up_and_not_sent(world, upstream):
    held = job(world)
    context = world.context
    leased = held.state.to(Stage.SENDING, by="b" * 16, now=0.0, until=1.0)
    context.jobs.finish(context.jobs.intent(held), leased, Verdict(Status.EXPIRED, 1.0))
    memory = tick_state(world, held)
    serve(upstream.context(), ACCOUNT, memory)
    assert upstream.asked == []
    assert again(world, held) is None
    assert memory.done == {"tidied": 1}


# What the posts are told


def test_while_somebody_waits_no_post_overtakes(world, upstream):
    gate(world, free=2)
    busy = [job(world, number, "running") for number in (7, 8)]
    serve(upstream.context(), ACCOUNT, tick_state(world, job(world), *busy))
    assert written(world)["free"] == "0"


def test_jobs_that_a_tick_had_no_time_for_are_not_overtaken(world, upstream):
    gate(world, free=2)
    serve(upstream.context(), ACCOUNT, tick_state(world, job(world), left_s=0.0))
    assert (upstream.asked, written(world)["free"]) == ([], "0")


@pytest.mark.parametrize(("running", "free"), [(0, "2"), (1, "1"), (2, "0"), (3, "0")])
def test_posts_are_told_the_places_that_are_left(world, upstream, running, free):
    gate(world, free=1 if free != "1" else 0)
    busy = [job(world, number, "running") for number in range(running)]
    serve(upstream.context(), ACCOUNT, tick_state(world, *busy))
    assert written(world)["free"] == free


def test_a_gate_that_says_so_already_is_not_written(world, upstream):
    before = gate(world, free=2)
    serve(upstream.context(), ACCOUNT, tick_state(world))
    assert gate(world).meta == before.meta


def test_a_gate_that_was_never_written_stays_so(world, upstream):
    serve(upstream.context(), ACCOUNT, tick_state(world))
    serve(upstream.context(), ACCOUNT, tick_state(world, job(world, 8, "running")))
    reopen(world.context, ACCOUNT)
    assert world.names("gates/") == []


@pytest.mark.parametrize("in_s", [0.5, 10.0])
def test_a_pause_after_a_refusal_is_not_cut_short(world, upstream, in_s):
    before = gate(world, free=0, consecutive_refusals=3, next_send=world.clock.now() + in_s)
    serve(upstream.context(), ACCOUNT, tick_state(world))
    reopen(world.context, ACCOUNT)
    assert gate(world).meta == before.meta


@pytest.mark.parametrize("free", [0, 2])
def test_refusals_are_forgotten_when_their_pause_is_over(world, upstream, free):
    gate(world, free=free, consecutive_refusals=3, next_send=world.clock.now())
    serve(upstream.context(), ACCOUNT, tick_state(world))
    assert (written(world)["free"], written(world)["strikes"]) == ("2", "0")


def test_when_nothing_is_pending_any_more_posts_may_send_again(world):
    gate(world, free=0)
    reopen(world.context, ACCOUNT)
    assert (written(world)["free"], written(world)["strikes"]) == ("2", "0")


# Turns


@pytest.mark.parametrize(
    ("cursor", "turn"), [("", "ada"), ("ada", "bob"), ("bob", "zoe"), ("zoe", "ada"), ("b", "bob")]
)
def test_owners_take_turns_and_each_ones_oldest_goes_first(world, cursor, turn):
    queued = [job(world, n, owner=owner) for n in (1, 2) for owner in ("zoe", "ada", "bob")]
    chosen = fairest(queued, cursor)
    assert (chosen.owner, chosen.id) == (turn, f"vid_{2:027x}")


# The end of waiting


@pytest.mark.parametrize(
    ("waited_s", "word"), [(0, "expired"), (10, "expired"), (30, "expired"), (31, None)]
)
def test_a_job_that_waited_in_vain_is_ended_under_its_lease_and_never_later(
    world, upstream, waited_s, word
):
    held = job(world)

    def storage(request, send):
        if "jobs%2F" in request.url and request.method == "GET":
            world.clock.advance(waited_s)
        return send(request)

    told = expire(upstream.context(storage), held)
    ending = verdict(world, held)
    assert told == (word or "taken_by_another")
    assert (ending and str(ending.status)) == word
    if ending:
        assert ending.ended_at == again_at(world)
        assert (ending.failure.kind.code, ending.failure.retryable, ending.paid) == (
            "expired",
            True,
            False,
        )


def again_at(world):
    """When the verdict was written: no time passes after it but for one more read of ours."""
    return world.clock.now()


def test_a_job_that_another_took_does_not_expire(world):
    held = job(world)
    world.context.jobs.patch(held, held.state.to(Stage.CANCELLED, by="c" * 16, now=1.0))
    assert expire(world.context, held) == "taken_by_another"
    assert verdict(world, held) is None
    world.bucket.blob(held.name).delete()
    assert expire(world.context, held) == "taken_by_another"
    assert verdict(world, held) is None


def test_a_verdict_that_stands_is_not_followed_by_an_expiry(world):
    held = job(world)
    leased = held.state.to(Stage.SENDING, by="b" * 16, now=0.0, until=1.0)
    context = world.context
    stands = context.jobs.finish(context.jobs.intent(held), leased, Verdict(Status.FAILED, 1.0))
    assert expire(context, held) == "tidied"
    assert verdict(world, held) == stands
    assert again(world, held) is None


@pytest.mark.parametrize(
    ("tries", "reason", "said"),
    [
        (0, "", "it was never sent. Nothing was paid."),
        (1, "", "it was tried to send it once, and"),
        (2, "", "it was tried to send it 2 times, and"),
        (1, "rate_limited", "What it waited for last: rate_limited."),
    ],
)
def test_an_expired_job_is_told_what_was_tried_for_it(world, tries, reason, said):
    held = job(world, tries=tries, reason=reason)
    expire(world.context, held)
    message = verdict(world, held).failure.message
    assert said in message
    assert ("What it waited for" in message) is bool(reason)
    assert ("never sent" in message) is not bool(tries)
