"""A job begins, at the edges: what is written before what is sent, and what the caller is told."""

import dataclasses

import pytest

from lib.core import errors
from lib.core.errors import ApiError
from lib.core.jobs.job import Stage
from lib.flows.requests.start import AGAIN, AGAIN_WITH_KEY, NotKnown, start
from tests.flows.odd import events
from tests.flows.tasks.stored import ACCOUNT, Script, job
from tests.hooks import instance, lost


@pytest.fixture
def intent(world):
    """An intent that is not written yet."""
    held = job(world)
    found = world.context.jobs.intent(held)
    world.context.jobs.drop(held)
    return found


@pytest.fixture
def upstream(world):
    return Script(world)


def pending_of(world, intent):
    return world.context.jobs.live(intent.owner, intent.id)


def test_a_job_that_may_not_be_sent_waits_from_now_on(world, upstream, intent, capsys):
    made, found = start(upstream.context(), intent, direct=False)
    held = pending_of(world, intent)
    assert (made, found.state) == (True, held.state)
    assert (held.state.stage, held.state.since) == (Stage.QUEUED, world.clock.now())
    assert (held.state.eta_s, held.state.tries) == (found.state.eta_s, 0)
    assert held.meta.metageneration == 1
    assert upstream.asked == []
    assert events(capsys.readouterr().out, "submit.interrupted") == []


def test_creating_the_job_is_taking_the_lease_to_send_it(world, upstream, intent):
    seen = []
    upstream.before = lambda _kind: seen.append(pending_of(world, intent))
    made, found = start(upstream.context(), intent, direct=True)
    (held,) = seen
    assert (held.state.stage, held.meta.metageneration) == (Stage.SENDING, 1)
    assert (held.state.since, held.state.until) == (world.clock.now(), world.clock.now() + 30)
    assert made
    assert found.state == pending_of(world, intent).state
    assert (found.state.stage, found.state.task_id) == (Stage.RUNNING, "made-1")


@pytest.mark.parametrize("direct", [True, False])
def test_frames_are_uploaded_for_a_job_that_is_written_and_only_if_it_may_be_sent(
    make_world, direct
):
    world = make_world(env={"FRAME_DELIVERY": "upload"})
    held = job(world)
    intent = world.context.jobs.intent(held)
    world.context.jobs.drop(held)
    world.bucket.blob(intent.first.object).upload_from_string(b"x" * 100)
    seen = []

    def hook(asked, send):
        seen.append(pending_of(world, intent).state.stage)
        return send(asked)

    start(instance(world, upstream=hook).context, intent, direct=direct)
    assert set(seen) == ({Stage.QUEUED, Stage.SENDING} if direct else set())
    assert len(world.paid()) == int(direct)


def test_links_that_cannot_be_signed_make_the_job_wait_with_its_reason(
    world, upstream, intent, monkeypatch
):
    def unsigned(*_args, **_options):
        raise ApiError(errors.STORAGE_UNAVAILABLE, "no signature")

    context = upstream.context()
    monkeypatch.setattr(context.artifacts, "link", unsigned)
    made, found = start(context, intent, direct=True)
    assert made
    state = pending_of(world, intent).state
    assert (state.stage, state.tries, state.reason) == (Stage.QUEUED, 1, "storage_unavailable")
    assert found.state == state
    assert world.bucket.get_blob(f"gates/{ACCOUNT}").metadata["free"] == "0"
    assert upstream.asked == []


def test_of_two_attempts_with_one_id_one_writes_and_sends(world, upstream, intent):
    first = start(world.context, intent, direct=False)
    made, found = start(upstream.context(), intent, direct=True)
    assert made is False
    assert found == first[1]
    assert upstream.asked == []


def silent(world, prefix, *, after):
    """A hook for which the bucket takes a creation and never answers, or does not take it."""

    def storage(request, send):
        if request.method == "POST" and prefix in (request.body or b""):
            if after:
                send(request)
            raise lost(request)
        return send(request)

    return storage


def test_a_job_whose_creation_nobody_confirmed_is_looked_up_and_sent(
    world, upstream, intent, capsys
):
    made, found = start(
        upstream.context(silent(world, b'"pending/', after=True)), intent, direct=True
    )
    assert made
    assert found.state.stage is Stage.RUNNING
    assert len(upstream.times("create")) == 1
    assert [
        line["severity"] for line in events(capsys.readouterr().out, "submit.interrupted")
    ] == []


def test_a_job_that_another_attempt_wrote_unheard_is_that_ones(world, upstream, intent):
    first = start(world.context, intent, direct=False)
    late = upstream.context(silent(world, b'"pending/', after=False))
    world.clock.advance(2)
    made, found = start(late, intent, direct=True)
    assert (made, found) == (False, first[1])
    assert upstream.asked == []


@pytest.mark.parametrize("key", [None, "k" * 64])
def test_when_nobody_knows_the_caller_is_told_so_and_what_to_do(world, upstream, intent, key):
    late = upstream.context(silent(world, b'"pending/', after=False))
    with pytest.raises(NotKnown) as told:
        start(late, dataclasses.replace(intent, key=key), direct=True)
    assert told.value.message.endswith(AGAIN_WITH_KEY if key else AGAIN)
    assert "not known whether it was written" in told.value.message
    assert told.value.retry_after_s == 5
    assert upstream.asked == []


@pytest.mark.parametrize("error", [ApiError(errors.STORAGE_UNAVAILABLE, "m"), RuntimeError("m")])
def test_only_a_defect_of_ours_is_logged_as_a_crash(world, intent, monkeypatch, capsys, error):
    def broken(*_args):
        raise error

    monkeypatch.setattr(world.context.jobs, "create", broken)
    capsys.readouterr()
    with pytest.raises(NotKnown):
        start(world.context, intent, direct=False)
    crashed = events(capsys.readouterr().out, "submit.interrupted")
    assert len(crashed) == int(isinstance(error, RuntimeError))


def test_a_job_that_is_gone_before_the_answer_is_shown_as_it_was_written(world, upstream, intent):
    def storage(request, send):
        if request.method == "GET" and "pending%2F" in request.url:
            for name in world.names("pending/"):
                world.bucket.blob(name).delete()
        return send(request)

    made, found = start(upstream.context(storage), intent, direct=False)
    assert made
    assert (found.intent, found.state.stage) == (intent, Stage.QUEUED)


def test_a_job_that_another_moved_during_its_send_is_shown_as_the_bucket_has_it(
    world, upstream, intent
):
    def moved(_kind):
        held = pending_of(world, intent)
        other = held.state.to(
            Stage.UNSURE, by="f" * 16, now=held.state.since, until=held.state.until
        )
        world.context.jobs.patch(held, other)

    upstream.before = moved
    made, found = start(upstream.context(), intent, direct=True)
    assert made
    assert found.state == pending_of(world, intent).state
    assert found.state.stage is Stage.UNSURE


def test_a_job_that_vanished_during_its_send_is_shown_as_it_was_written(world, upstream, intent):
    seen = []

    def gone(_kind):
        held = pending_of(world, intent)
        seen.append(held.state)
        world.bucket.blob(held.name).delete()

    upstream.before = gone
    made, found = start(upstream.context(), intent, direct=True)
    assert made
    assert [found.state] == seen
