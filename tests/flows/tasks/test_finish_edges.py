"""The end of a job, step by step: whoever dies in between leaves something that the next can finish."""

import pytest

from lib.core.errors import ApiError
from lib.core.jobs.job import Status, StoredVideo, Verdict
from lib.flows.tasks.finish import close_if_ended, finish, purge
from tests.flows.odd import pending
from tests.flows.tasks.stored import again, job, verdict
from tests.hooks import instance, lost

FAILED = Verdict(Status.FAILED, 5.0)
LATER = Verdict(Status.FAILED, 6.0)


@pytest.fixture
def world(make_world):
    return make_world(
        env={"WEBHOOK_SECRETS": '{"local": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}'}
    )


@pytest.fixture
def held(world):
    """A job whose owner wants to hear of its end, with a film and frames."""
    _, body, _ = pending(1, created_at=world.clock.now())
    body["request"]["webhook_url"] = "https://receiver.example/hook"
    one = job(world, 1, "copying", body=body)
    for name in (f"videos/local/{one.id}.mp4", f"frames/local/{one.id}/a.png"):
        world.bucket.blob(name).upload_from_string(b"x")
    return one


def left(world):
    return {name.partition("/")[0] for name in world.names()}


def silent_outbox(world, method):
    def storage(request, send):
        body = request.body if isinstance(request.body, bytes) else b""
        if request.method == method and ("outbox%2F" in request.url or b'"outbox/' in body):
            raise lost(request)
        return send(request)

    return instance(world, storage=storage).context


def ended(world, held, wrote=FAILED):
    world.context.jobs.finish(world.context.jobs.intent(held), held.state, wrote)


def deleted(world, held):
    ended(world, held)
    world.context.jobs.purge(held.owner, held.id, 7.0)


def test_an_end_is_a_verdict_a_webhook_and_no_pending_object(world, held):
    context = world.context
    assert finish(context, held, context.jobs.intent(held), FAILED) == FAILED
    assert left(world) == {"videos", "frames", "jobs", "outbox"}


def test_the_verdict_that_stands_is_the_answer(world, held):
    ended(world, held)
    context = world.context
    assert finish(context, held, context.jobs.intent(held), LATER) == FAILED
    assert verdict(world, held) == FAILED
    assert again(world, held) is None


def test_a_job_is_pending_until_its_webhook_is_written(world, held):
    context = silent_outbox(world, "POST")
    with pytest.raises(ApiError):
        finish(context, held, context.jobs.intent(held), FAILED)
    assert again(world, held) == held
    with pytest.raises(ApiError):
        close_if_ended(context, held)
    assert again(world, held) == held
    assert close_if_ended(world.context, held).verdict == FAILED
    assert left(world) == {"frames", "jobs", "outbox"}


def test_of_a_deleted_job_nothing_is_left_but_its_tombstone(world, held):
    intent = world.context.jobs.intent(held)
    deleted(world, held)
    assert finish(world.context, held, intent, LATER) is None
    assert left(world) == {"jobs"}


def test_whoever_meets_a_tombstone_clears_away(world, held):
    deleted(world, held)
    assert close_if_ended(world.context, held) is True
    assert left(world) == {"jobs"}


def test_a_deleted_job_is_pending_until_everything_of_it_is_gone(world, held):
    context = world.context
    finish(context, held, context.jobs.intent(held), FAILED)
    context.jobs.purge(held.owner, held.id, 7.0)
    back = job(world, 1, "copying")
    world.bucket.blob(f"videos/local/{held.id}.mp4").upload_from_string(b"x")
    assert left(world) == {"videos", "frames", "jobs", "outbox", "pending"}
    with pytest.raises(ApiError):
        purge(silent_outbox(world, "DELETE"), back)
    assert again(world, back) == back
    purge(context, back)
    assert left(world) == {"jobs"}


def test_a_job_that_lives_is_left_as_it_is(world, held):
    assert close_if_ended(world.context, held) is False
    assert again(world, held) == held
    assert left(world) == {"pending", "videos", "frames"}


@pytest.mark.parametrize(("status", "kept"), [(Status.FAILED, False), (Status.COMPLETED, True)])
def test_a_film_lies_beside_no_other_ending_than_its_own(world, held, status, kept):
    ended(world, held, Verdict(status, 5.0, video=StoredVideo("o") if kept else None))
    assert close_if_ended(world.context, held).status is status
    assert ("videos" in left(world)) is kept
    assert again(world, held) is None
