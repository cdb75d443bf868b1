"""From a finished task to a film, at the edges: the lease to the second, the end of a film's day, other endings."""

import pytest

from lib.core import errors
from lib.core.errors import ApiError
from lib.core.jobs.job import Failure, Stage, Status, Verdict
from lib.core.upstream.outcomes import Report, TaskStatus
from lib.emulator.in_process import InProcess
from lib.flows.tasks import copy
from lib.flows.tasks.copy import copy_film, give_up, retry_at
from tests.flows.odd import events, pending
from tests.flows.tasks.stored import again, job, verdict
from tests.flows.tasks.test_copy import HOST, FilmHost
from tests.hooks import Hooked, lost

DAY_S, HOUR_S = 86_400.0, 3_600.0
EXPIRED = Verdict(Status.EXPIRED, 5.0, Failure(errors.UPSTREAM_EXPIRED, "gone", retryable=True))
FAILED = Verdict(Status.FAILED, 5.0, Failure(errors.UPSTREAM_FAILED, "y", retryable=False))


@pytest.fixture
def host(world, make_film):
    return FilmHost(world, make_film())


@pytest.fixture
def service(world, host):
    """A context over a film host, with a hook on its way to the bucket."""

    def made(storage=None, app=host):
        def connect():
            session = world.session()
            session.mount(f"https://{HOST}", InProcess(app))
            if storage:
                session.mount(world.storage_url, Hooked(world.storage, storage))
            return session

        return world.instance(connect=connect).context

    return made


def report(link=f"https://{HOST}/film.mp4", prompt="rain", **times):
    return Report("task-1", TaskStatus.SUCCEEDED, link, orig_prompt=prompt, times=times)


@pytest.fixture
def held(world):
    return job(world, 1, "running")


# Whose turn it is


def test_a_film_is_brought_home_however_often_it_failed_before(world, service):
    held = job(world, 1, "running", tries=3, reason="delivery_failed")
    assert copy_film(service(), held, report()) == "completed"
    assert verdict(world, held).status is Status.COMPLETED
    assert world.names("videos/") == [f"videos/local/{held.id}.mp4"]
    assert again(world, held) is None


def test_whoever_waits_does_not_wait_for_a_copy_that_failed_before(world, service, host, held):
    failed = job(world, 2, "running", tries=1)
    assert copy_film(service(), failed, report(), hurried=True) == "left_to_a_tick"
    assert again(world, failed) == failed
    assert host.asked == []
    assert copy_film(service(), held, report(), hurried=True) == "completed"


@pytest.mark.parametrize(("hurried", "word"), [(True, "copy_again"), (False, "completed")])
def test_whoever_waits_waits_for_seconds_and_a_tick_for_minutes(service, host, held, hurried, word):
    host.takes_s = 100.0
    assert copy_film(service(), held, report(), hurried=hurried) == word


@pytest.mark.parametrize("call", ["deliver", "give_up"])
def test_whoever_loses_the_job_neither_copies_nor_ends_it(world, service, host, held, call):
    world.context.jobs.patch(held, held.state.to(Stage.RUNNING, by="b" * 16, now=1.0))
    context = service()
    word = (
        copy_film(context, held, report()) if call == "deliver" else give_up(context, held, EXPIRED)
    )
    assert word == "taken_by_another"
    assert (host.asked, verdict(world, held)) == ([], None)


@pytest.mark.parametrize("call", ["deliver", "give_up"])
def test_a_job_whose_body_is_gone_meanwhile_is_nobodys(world, service, host, held, call):
    def storage(request, send):
        if "pending%2F" in request.url and "alt=media" in request.url:
            world.bucket.blob(held.name).delete()
        return send(request)

    context = service(storage)
    word = (
        copy_film(context, held, report()) if call == "deliver" else give_up(context, held, EXPIRED)
    )
    assert word == "taken_by_another"
    assert (host.asked, verdict(world, held)) == ([], None)


@pytest.mark.parametrize("call", ["deliver", "give_up"])
def test_a_job_with_its_verdict_is_neither_copied_nor_ended_again(world, service, host, call):
    held = job(world, 1, "copying", until=world.clock.now() - 20)
    stands = world.context.jobs.finish(world.context.jobs.intent(held), held.state, FAILED)
    context = service()
    word = (
        copy_film(context, held, report()) if call == "deliver" else give_up(context, held, EXPIRED)
    )
    assert word == "taken_by_another"
    assert (host.asked, verdict(world, held), again(world, held)) == ([], stands, None)


def test_a_copy_is_leased_for_two_minutes_from_now(world, service, host, held):
    seen = []
    host.before = lambda _number: seen.append(again(world, held).state)
    world.clock.advance(7)
    copy_film(service(), held, report())
    (state,) = seen
    now = world.clock.now()
    assert (state.stage, state.since, state.until) == (Stage.COPYING, now, now + 120)


# When the task ended


@pytest.mark.parametrize(
    ("told_s", "ended_s"),
    [
        (-20.0, -20.0),
        (0.0, 0.0),
        (-3600.0, -3600.0),
        (-3601.0, 0.0),
        (600.0, 0.0),
        (3599.0, 0.0),
        (7200.0, 0.0),
        (None, 0.0),
    ],
)
def test_a_task_ended_when_the_upstream_says_so_if_that_can_be(
    world, service, host, held, told_s, ended_s
):
    """The job was written now: nothing of it ended more than an hour before."""
    host.status, now = 500, world.clock.now()
    times = {} if told_s is None else {"ended": now + told_s}
    assert copy_film(service(), held, report(**times)) == "copy_again"
    assert again(world, held).state.ended_at == now + ended_s


def test_when_a_task_ended_is_said_once(world, service, host):
    now = world.clock.now()
    held = job(world, 1, "running", ended_at=now - 500)
    host.status = 500
    copy_film(service(), held, report(ended=now - 20))
    assert again(world, held).state.ended_at == now - 500


def test_a_task_that_was_given_up_has_not_ended(world, service, held):
    cards = []

    def storage(request, send):
        if request.method == "POST":
            cards.append(world.bucket.get_blob(held.name).metadata)
        return send(request)

    assert give_up(service(storage), held, EXPIRED) == "expired"
    assert cards
    assert all("ended_at" not in card for card in cards)


# The lease on a copy


@pytest.fixture
def lease(world):
    """A lease of which so many seconds are left."""

    def made(left_s, storage=None, service=None):
        held = job(world, 1, "copying", until=world.clock.now() + left_s)
        context = service(storage) if service else world.context
        return copy._Lease(context, held)

    return made


@pytest.mark.parametrize("left_s", [120.0, 70.0, 60.0])
def test_a_lease_that_is_half_left_is_not_renewed(world, lease, left_s):
    one = lease(left_s)
    before = one.held
    assert one.ours() is True
    assert one.held == again(world, before) == before


@pytest.mark.parametrize("left_s", [59.5, 20.0, 0.0])
def test_a_lease_of_which_less_than_half_is_left_is_renewed(world, lease, left_s):
    one = lease(left_s)
    before = one.held.state
    assert one.ours() is True
    state = one.held.state
    assert one.held == again(world, one.held)
    assert (state.since, state.until) == (before.since, world.clock.now() + 120)
    assert state.by != before.by


def test_a_lease_that_ran_out_is_lost_though_nobody_took_it(world, lease):
    one = lease(-0.5)
    before = one.held
    assert one.ours() is False
    assert one.ours() is False
    assert again(world, before) == before


def test_a_lease_that_another_took_is_lost_and_asked_for_no_more(world, lease, service):
    writes = []

    def storage(request, send):
        if request.method == "PATCH":
            writes.append(request)
        return send(request)

    one = lease(40.0, storage, service)
    before = one.held
    theirs = before.state.to(Stage.COPYING, by="c" * 16, now=1.0, until=world.clock.now() + 99)
    world.context.jobs.patch(before, theirs)
    assert one.ours() is False
    assert one.ours() is False
    assert one.held == before
    assert len(writes) == 1
    assert again(world, before).state == theirs


@pytest.mark.parametrize(("takes_s", "ours"), [(100.0, True), (120.0, True), (120.5, False)])
def test_a_renewal_that_took_longer_than_it_lasts_is_none(world, lease, service, takes_s, ours):
    def storage(request, send):
        if request.method == "PATCH":
            world.clock.advance(takes_s)
        return send(request)

    assert lease(40.0, storage, service).ours() is ours


# Adopted tasks


@pytest.mark.parametrize(
    ("adopted", "prompt", "word"),
    [
        (True, "rain", "completed"),
        (True, "snow", "submit_unknown"),
        (True, None, "submit_unknown"),
        (False, "snow", "completed"),
        (False, None, "completed"),
    ],
)
def test_an_adopted_task_is_ours_by_its_prompt(world, service, host, adopted, prompt, word):
    held = job(world, 1, "running", adopted=adopted)
    assert copy_film(service(), held, report(prompt=prompt)) == word
    assert len(host.asked) == int(word == "completed")
    ending = verdict(world, held)
    assert (ending.failure.kind.code if ending.failure else "completed") == word
    assert ending.ended_at == world.clock.now()


@pytest.mark.parametrize(("prompt", "word"), [(None, "completed"), ("None", "submit_unknown")])
def test_an_adopted_task_of_a_job_without_a_prompt_reports_none(world, service, prompt, word):
    _, body, _ = pending(1, created_at=world.clock.now())
    body["request"]["prompt"] = None
    held = job(world, 1, "running", adopted=True, body=body)
    assert copy_film(service(), held, report(prompt=prompt)) == word


# What passes and what is over


@pytest.mark.parametrize("link", ["", f"https://{HOST}/film.mp4"])
def test_a_film_without_a_link_or_a_host_is_tried_again_with_one_try_more(
    world, service, host, link
):
    held, host.status = job(world, 1, "running", tries=2), 500
    world.clock.advance(3)
    assert copy_film(service(), held, report(link)) == "copy_again"
    state = again(world, held).state
    assert (state.stage, state.tries, state.reason) == (Stage.RUNNING, 3, "delivery_failed")
    assert state.since == world.clock.now()
    assert retry_at(state) == state.since + 8


@pytest.mark.parametrize("status", [500, 203, 201])
def test_only_a_whole_answer_is_a_film(world, service, held, make_film, status):
    def app(_environ, start_response):
        start_response(f"{status} Odd", [("Content-Length", str(len(make_film())))])
        return [make_film()]

    assert copy_film(service(app=app), held, report()) == "copy_again"
    assert world.names("videos/") == []


@pytest.mark.parametrize(
    ("status", "ended_s", "word"),
    [
        (404, DAY_S, "copy_again"),
        (404, DAY_S + 1, "upstream_expired"),
        (403, DAY_S + 1, "upstream_expired"),
        (410, DAY_S + 1, "upstream_expired"),
        (500, DAY_S + 1, "copy_again"),
        (500, DAY_S + HOUR_S, "copy_again"),
        (500, DAY_S + HOUR_S + 1, "upstream_expired"),
    ],
)
def test_a_dead_link_is_waited_for_a_day_and_a_silent_host_an_hour_longer(
    world, service, host, status, ended_s, word
):
    held = job(world, 1, "running", ended_at=world.clock.now() - ended_s)
    host.status = status
    assert copy_film(service(), held, report()) == word
    assert (verdict(world, held) is None) is (word == "copy_again")


def test_a_job_that_another_took_while_its_copy_failed_is_that_ones(world, service, host, held):
    host.status = 500

    def before(_number):
        now = again(world, held)
        theirs = now.state.to(Stage.COPYING, by="c" * 16, now=1.0, until=world.clock.now() + 99)
        world.context.jobs.patch(now, theirs)

    host.before = before
    assert copy_film(service(), held, report()) == "taken_by_another"
    assert again(world, held).state.by == "c" * 16


# Other endings


def ended_by_another(world, held, step=lambda: None):
    """A hook that writes another ending just before ours."""
    done = []

    def storage(request, send):
        ours = request.method == "POST" and b"jobs/" in (_read(request))
        if ours and not done:
            now = again(world, held)
            done.append(
                world.context.jobs.finish(world.context.jobs.intent(now), now.state, FAILED)
            )
            step()
        return send(request)

    return storage


def _read(request):
    return request.body if isinstance(request.body, bytes) else b""


def test_beside_another_ending_lies_no_film(world, service, held):
    assert copy_film(service(ended_by_another(world, held)), held, report()) == "failed"
    assert verdict(world, held) == FAILED
    assert world.names("videos/") == []
    assert again(world, held) is None


def test_of_a_job_that_was_deleted_meanwhile_nothing_is_left(world, service, held):
    context = service(
        ended_by_another(world, held, lambda: world.context.jobs.purge(held.owner, held.id, 6.0))
    )
    copy_film(context, held, report())
    assert world.names("videos/") == world.names("pending/") == []


def test_a_bucket_that_fails_beside_another_ending_leaves_nothing(world, service, held):
    done = []

    def storage(request, send):
        if "uploadType=resumable" in request.url:
            if not done:
                now = again(world, held)
                done.append(
                    world.context.jobs.finish(world.context.jobs.intent(now), now.state, FAILED)
                )
            raise lost(request)
        return send(request)

    with pytest.raises(ApiError):
        copy_film(service(storage), held, report())
    assert verdict(world, held) == FAILED
    assert again(world, held) is None


def test_a_job_that_is_given_up_says_so(world, service, held, capsys):
    assert give_up(service(), held, EXPIRED) == "expired"
    assert verdict(world, held).status is Status.EXPIRED
    (line,) = events(capsys.readouterr().out, "job.ended")
    assert (line["job"], line["status"]) == (held.id, "expired")


def test_a_film_that_lies_in_the_bucket_is_no_lost_one(world, service, make_film, held):
    world.bucket.blob(f"videos/local/{held.id}.mp4").upload_from_string(
        make_film(), content_type="video/mp4"
    )
    assert give_up(service(), held, EXPIRED) == "completed"
    ending = verdict(world, held)
    assert (ending.status, ending.failure, ending.paid) == (Status.COMPLETED, None, True)


@pytest.mark.parametrize(
    ("takes_s", "word"), [(10.0, "expired"), (120.0, "expired"), (120.5, "taken_by_another")]
)
def test_a_job_is_given_up_under_its_lease_and_never_later(world, service, held, takes_s, word):
    def storage(request, send):
        if "videos%2F" in request.url and request.method == "GET":
            world.clock.advance(takes_s)
        return send(request)

    assert give_up(service(storage), held, EXPIRED) == word
    assert (verdict(world, held) is not None) is (word == "expired")
