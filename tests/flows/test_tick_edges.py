"""What a tick mends without the upstream, at the edges: leases that ran out, cancels, deadlines, lost accounts."""

import pytest

from lib.core.jobs.job import Stage, Status, Verdict
from lib.flows import tick as ticks
from tests.flows.odd import events
from tests.flows.tasks.stored import again, job, tick_state, verdict
from tests.hooks import instance

DAY_S = 86_400.0


@pytest.fixture
def reads():
    return []


@pytest.fixture
def context(world, reads):
    """An instance that counts how often it looks for verdicts and for bodies."""

    def storage(request, send):
        if request.method == "GET":
            reads.extend(part for part in ("jobs%2F", "alt=media") if part in request.url)
        return send(request)

    return instance(world, storage=storage).context


def mended(context, memory, held):
    return ticks._mend(memory.following(context), held, memory)


def ended(world, held):
    """Write the verdict of a job whose process died before it was done."""
    context = world.context
    how = {"cancelled": Status.CANCELLED, "sending": Status.EXPIRED}
    status = how.get(held.state.stage, Status.FAILED)
    return context.jobs.finish(context.jobs.intent(held), held.state, Verdict(status, 5.0))


# Deadlines and leases


@pytest.mark.parametrize(
    ("age_s", "word"), [(DAY_S - 10, None), (DAY_S, None), (DAY_S + 0.5, "expired")]
)
def test_a_job_waits_in_the_queue_for_a_day_and_no_longer(world, context, age_s, word):
    held = job(world)
    world.clock.advance(age_s)
    assert mended(context, tick_state(world, held), held) == word
    assert (verdict(world, held) is None) is (word is None)


def test_only_a_job_that_waits_has_the_queues_deadline(world, context, reads):
    held = job(world, 1, "running")
    world.clock.advance(2 * DAY_S)
    assert mended(context, tick_state(world, held), held) is None
    assert again(world, held) == held
    assert reads == [], "its account carries it on"


@pytest.mark.parametrize(
    ("left_s", "stage"), [(10.0, Stage.SENDING), (0.0, Stage.SENDING), (-0.5, Stage.UNSURE)]
)
def test_an_expired_lease_is_ambiguous_and_one_that_lasts_is_its_holders(
    world, context, left_s, stage
):
    held = job(world, 1, "sending", until=world.clock.now() + left_s)
    memory = tick_state(world, held)
    assert mended(context, memory, held) == ("unsure" if stage is Stage.UNSURE else None)
    now = again(world, held)
    assert now.state.stage is stage
    assert memory.jobs == {held.name: now}
    assert (now.state.by, now.state.until) == (held.state.by, held.state.until)


def test_an_expired_lease_costs_no_look_for_a_verdict(world, context, reads):
    held = job(world, 1, "sending", until=world.clock.now() - 1)
    ended(world, held)
    assert mended(context, tick_state(world, held), held) == "unsure"
    assert reads == ["alt=media"], "its body alone"


def test_a_sender_that_answers_at_the_last_moment_keeps_its_word(world, context):
    held = job(world, 1, "sending", until=world.clock.now() - 1)
    told = held.state.to(Stage.RUNNING, by="b" * 16, now=1.0, task_id="t", accepted_at=1.0)
    memory = tick_state(world, held)
    world.context.jobs.patch(held, told)
    assert mended(context, memory, held) == "unsure"
    assert memory.jobs == {held.name: held}
    assert again(world, held).state == told


# Doubts


def test_a_doubt_is_left_to_the_list_and_looked_up_once_a_tick(world, context, reads):
    held = job(world, 1, "unsure")
    memory = tick_state(world, held)
    for _ in range(3):
        assert mended(context, memory, held) is None
    assert reads.count("jobs%2F") == 1
    assert again(world, held) == held


def test_a_doubt_with_a_verdict_is_tidied_up(world, context):
    held = job(world, 1, "unsure")
    stands = ended(world, held)
    assert mended(context, tick_state(world, held), held) == "tidied"
    assert (again(world, held), verdict(world, held)) == (None, stands)


def test_a_job_that_is_gone_is_somebody_elses(world, context):
    held = job(world, 1, "unsure")
    world.bucket.blob(held.name).delete()
    assert mended(context, tick_state(world, held), held) == "taken_by_another"


# Cancels and deletes


def test_the_owners_cancel_becomes_the_verdict_now(world, context):
    held = job(world, 1, "cancelled")
    world.clock.advance(7)
    assert mended(context, tick_state(world, held), held) == "cancelled"
    ending = verdict(world, held)
    assert (ending.status, ending.ended_at) == (Status.CANCELLED, world.clock.now())
    assert again(world, held) is None


def test_a_cancel_that_has_its_verdict_is_tidied_up(world, context):
    held = job(world, 1, "cancelled")
    stands = ended(world, held)
    world.clock.advance(7)
    assert mended(context, tick_state(world, held), held) == "tidied"
    assert (again(world, held), verdict(world, held)) == (None, stands)


def test_a_cancelled_job_that_another_finished_meanwhile_is_that_ones(world, context):
    held = job(world, 1, "cancelled")
    memory = tick_state(world, held)
    memory.legible.add(held.name)
    world.bucket.blob(held.name).delete()
    assert mended(context, memory, held) == "cancelled"
    assert verdict(world, held) is None


def test_what_a_delete_left_behind_is_cleared(world, context):
    held = job(world, 1, "cancelled")
    ended(world, held)
    world.context.jobs.purge(held.owner, held.id, 6.0)
    slip = job(world, 1, "deleting")
    assert mended(context, tick_state(world, slip), slip) == "cleared"
    world.clock.advance(901)
    slip = again(world, slip)
    assert mended(context, tick_state(world, slip), slip) == "deleted"
    assert world.names("pending/") == []


# Accounts that are gone


@pytest.mark.parametrize("stage", ["queued", "unsure", "running", "copying"])
def test_a_job_whose_account_is_gone_is_told_so_and_kept(world, context, stage, capsys):
    more = {"until": world.clock.now() + 20} if stage == "unsure" else {}
    held = job(world, 1, stage, account="gone", **more)
    capsys.readouterr()
    assert mended(context, tick_state(world, held), held) == "stranded"
    told = stage in {"queued", "running"}
    assert again(world, held).state.reason == ("not_configured" if told else "")
    assert len(events(capsys.readouterr().out, "job.stranded")) == int(told)
    assert verdict(world, held) is None


def test_a_job_whose_account_is_there_is_not_stranded(world, context, reads):
    for number, stage in enumerate(("queued", "running", "copying"), 1):
        held = job(world, number, stage)
        assert mended(context, tick_state(world, held), held) is None
        assert again(world, held) == held
    assert reads == []
