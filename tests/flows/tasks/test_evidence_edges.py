"""What list and bucket say of each other, at its edges: what is learnt, what raises the alarm, what it costs."""

import pytest

from lib.core.protocol.evidence import DISPUTED, Claim, Doubt, Evidence
from lib.core.upstream.outcomes import Listing, Row, TaskStatus
from lib.flows.tasks.evidence import look_over, read_evidence, take_notice
from tests.flows.odd import events, put
from tests.flows.tasks.stored import ACCOUNT, MODEL, OURS, job, tick_state
from tests.hooks import instance
from tests.world import START


def row(task, at=START - 1000, key=OURS):
    return Row(task, TaskStatus.RUNNING, MODEL, key, at)


@pytest.fixture
def asked():
    """Lists of claims that were asked for."""
    return []


@pytest.fixture
def context(world, asked):
    def storage(request, send):
        if "prefix=claims" in request.url:
            asked.append(request.url)
        return send(request)

    return instance(world, storage=storage).context


@pytest.fixture
def key(context):
    return context.upstreams[ACCOUNT].key_id


@pytest.fixture
def memory(world):
    """A tick that knows one task of ours, `task-1`, and one job without any."""
    return tick_state(world, job(world, 1, "running"), job(world, 2))


def claimed(world):
    return {task: claim.job for task, claim in world.context.ledger.claims(ACCOUNT).items()}


# A list that was read for other reasons


def test_a_row_of_a_task_of_ours_teaches_how_the_list_calls_our_key(world, context, key, memory):
    look_over(context, ACCOUNT, Listing((row("task-1"),), START), memory)
    assert world.context.accounts.key_ids(ACCOUNT, key) == {OURS}


def test_the_list_that_teaches_our_key_raises_the_alarm_at_once(world, context, memory, capsys):
    look_over(context, ACCOUNT, Listing((row("task-1"), row("stray")), START), memory)
    assert claimed(world) == {"stray": DISPUTED}
    assert [line["task"] for line in events(capsys.readouterr().out, "upstream.late_task")] == [
        "stray"
    ]


def test_a_row_without_a_time_is_no_young_one(world, context, memory):
    look_over(context, ACCOUNT, Listing((row("task-1"), row("stray", None)), START), memory)
    assert claimed(world) == {"stray": DISPUTED}


@pytest.mark.parametrize(
    "other",
    [
        row("theirs", key="99"),
        row("young", START - 30),
        row("younger", START - 10),
        row("task-1", START - 2000),
        row("nobody's", key=None),
    ],
    ids=lambda one: one.task_id,
)
def test_a_list_that_explains_itself_costs_no_list_of_claims(world, context, memory, asked, other):
    look_over(context, ACCOUNT, Listing((row("task-1"), other), START), memory)
    assert asked == []
    assert claimed(world) == {}


def test_a_row_that_is_older_than_a_lease_and_unknown_is_looked_into(context, memory, asked):
    look_over(context, ACCOUNT, Listing((row("task-1"), row("stray", START - 30.5)), START), memory)
    assert len(asked) == 1


def test_a_task_that_was_explained_once_is_not_looked_into_again(world, context, memory, asked):
    listing = Listing((row("task-1"),), START)
    look_over(context, ACCOUNT, listing, memory)
    look_over(context, ACCOUNT, listing, tick_state(world))  # the job has its verdict by now
    assert asked == []


# Taking notice


def test_claims_teach_our_key_and_the_same_list_raises_the_alarm(world, context, key):
    listing = Listing((row("told"), row("stray")), START)
    take_notice(context, ACCOUNT, Evidence(listing, {}, {"told": Claim("vid_x", key)}, ()))
    assert world.context.accounts.key_ids(ACCOUNT, key) == {OURS}
    assert claimed(world) == {"stray": DISPUTED}


def test_without_a_list_there_is_nothing_to_learn_and_nobody_to_dispute(world, context, key):
    take_notice(context, ACCOUNT, Evidence(None, {"told": key}, {}, ()))
    assert world.context.accounts.key_ids(ACCOUNT, key) == set()
    assert claimed(world) == {}


def test_a_task_that_a_job_claimed_meanwhile_raises_no_alarm(world, context, key, capsys):
    context.ledger.claim(ACCOUNT, "stray", "vid_other", key)
    listing = Listing((row("told"), row("stray")), START)
    take_notice(context, ACCOUNT, Evidence(listing, {"told": key}, {}, ()))
    assert events(capsys.readouterr().out, "upstream.late_task") == []
    assert claimed(world) == {"stray": "vid_other"}


def test_what_is_recorded_and_what_is_claimed_is_settled(context, key):
    listing = Listing((), START)
    evidence = Evidence(listing, {"recorded": key}, {"claimed": Claim("vid_x", key)}, ())
    take_notice(context, ACCOUNT, evidence)
    assert context.accounts.settled(ACCOUNT, "recorded")
    assert context.accounts.settled(ACCOUNT, "claimed")
    assert not context.accounts.settled(ACCOUNT, "another")


# Reading


def test_the_evidence_is_of_one_account_and_holds_its_tasks_and_its_doubts(world, context, key):
    job(world, 1, "running")
    job(world, 2)
    sent = job(world, 3, "sending")
    lost = job(world, 4, "unsure")
    job(world, 5, "running", account="second")
    job(world, 6, "unsure", account="second")
    context.ledger.claim(ACCOUNT, "task-9", "vid_nine", key)
    found = read_evidence(context, ACCOUNT, None)
    assert found.recorded == {"task-1": key}
    assert found.claims == {"task-9": Claim("vid_nine", key)}
    assert found.doubts == tuple(
        Doubt(one.id, MODEL, one.state.since, one.state.until, key=key, owner="local")
        for one in (sent, lost)
    )


def odd(world, number, **card):
    """A job of a newer revision: its stage is a word that we do not know."""
    put(world, f"pending/local/vid_{number:027x}.json", b"{}", {"stage": "weighing", **card})


LEASE = {"since": "1000.0", "until": "1030.0"}
UNREADABLE = Doubt("unreadable", None, 1000.0, 1030.0)


@pytest.mark.parametrize("account", [{}, {"account": ""}, {"account": ACCOUNT}], ids=repr)
def test_a_job_that_cannot_be_read_counts_where_it_may_belong(world, context, account):
    odd(world, 1, task_id="task-1", **account)
    odd(world, 2, **LEASE, **account)
    found = read_evidence(context, ACCOUNT, None)
    assert found.recorded == {"task-1": ""}
    assert found.doubts == (UNREADABLE,)


def test_a_job_of_another_account_that_cannot_be_read_is_that_ones_matter(world, context):
    odd(world, 1, task_id="task-1", account="second")
    odd(world, 2, **LEASE, account="second")
    found = read_evidence(context, ACCOUNT, None)
    assert (found.recorded, found.doubts) == ({}, ())


def test_an_object_that_is_no_job_contests_nothing(world, context):
    put(world, "pending/local/readme.txt", b"", {"stage": "weighing", "task_id": "t", **LEASE})
    put(world, f"pending/local/vid_{1:027x}.json", b"", {"task_id": "t"})
    put(world, f"pending/local/vid_{2:027x}.json", b"", LEASE)
    found = read_evidence(context, ACCOUNT, None)
    assert (found.recorded, found.doubts) == ({}, ())


@pytest.mark.parametrize(
    ("card", "doubts"),
    [
        ({**LEASE, "model": MODEL}, (Doubt("unreadable", MODEL, 1000.0, 1030.0),)),
        ({**LEASE, "model": ""}, (UNREADABLE,)),
        ({**LEASE, "task_id": "task-1"}, ()),
        ({"since": "1000.0"}, ()),
        ({"until": "1030.0"}, ()),
        ({"since": "1030.0", "until": "1030.0"}, ()),
        ({"since": "1030.0", "until": "1000.0"}, ()),
        ({}, ()),
    ],
    ids=repr,
)
def test_what_cannot_be_read_is_a_doubt_only_by_a_lease_that_can_have_made_a_task(
    world, context, card, doubts
):
    odd(world, 1, **card)
    assert read_evidence(context, ACCOUNT, None).doubts == doubts
