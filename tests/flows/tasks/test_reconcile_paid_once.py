"""A create whose answer was lost is paid once, whatever the upstream's list and the clocks look like."""

import json
import re

import pytest

from lib.core.errors import ApiError
from lib.core.request import VideoRequest
from lib.flows.requests.submit import submit
from tests.hooks import changed, instance, is_create, is_list, lost, upstream_ahead
from tests.world import picture

PROMPT = "a small blue monster looks up"


def request(prompt=PROMPT):
    frames = {"first_frame": picture(), "last_frame": picture(color=(200, 60, 30))}
    return VideoRequest.parse({**frames, "prompt": prompt})


def warm(world):
    """A film of ours, so that the list has shown our key."""
    world.post(prompt="before the story")
    world.run()
    world.clock.advance(400)


def losing(world, how="after", prompt=PROMPT, before=lambda: None):
    """A post whose create's answer is lost; its id."""

    def hook(asked, send):
        if not is_create(asked):
            return send(asked)
        before()
        if how == "after":
            send(asked)
        raise lost(asked)

    made = submit(instance(world, upstream=hook).context, "local", request(prompt))
    return made.job.intent.id


def rest(world, service=None, ticks=40, pause_s=30):
    service = service or world.service
    for _ in range(ticks):
        if not service.tick()["pending"]:
            return
        world.clock.advance(pause_s)


def paid(world, job_id):
    """How many tasks the upstream's books show for a job."""
    return sum(job_id in json.dumps(task.body) for task in world.upstream.tasks)


def ending(world, job_id):
    job = world.job(job_id)
    return (job["error"] or {}).get("code") or job["status"]


@pytest.fixture
def warm_world(make_world):
    world = make_world(env={"FIRST_LOOK_S": "15"})
    warm(world)
    return world


# The list


def pages(world, number, each_s):
    """A list of many pages, each of which takes its time; the rows are on the first that can show them."""

    def hook(asked, send):
        if not is_list(asked):
            return send(asked)
        world.clock.advance(each_s)
        page = int(re.search(r"page_no=(\d+)", asked.url)[1])
        asked.url = asked.url.replace(f"page_no={page}&", "page_no=1&")

        def split(data):
            share = data["data"][page - 1 :: number]
            return data | {"data": share, "total_page": number, "page_no": page}

        return changed(send(asked), split)

    return hook


def test_a_list_that_takes_long_is_no_list(warm_world):
    """Twenty pages of five seconds: the first may lack what the last one's time would promise."""
    world = warm_world
    world.upstream.settings.list_lag_s = 59
    job_id = losing(world)
    world.clock.advance(53)
    slow = instance(world, upstream=pages(world, 20, 5.2))
    for _ in range(4):
        slow.tick()
        world.clock.advance(10)
    assert paid(world, job_id) == 1
    rest(world)
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


def test_a_list_is_as_old_as_its_first_page(warm_world):
    world = warm_world
    upstream = instance(world, upstream=pages(world, 4, 4.0)).context.upstreams
    began = world.clock.now()
    (account,) = upstream.values()
    assert account.list().at == began


SHAPES = {
    "fewer rows than total": lambda data: data["data"].pop(),
    "more rows than total": lambda data: data["data"].append({**data["data"][0], "task_id": "x"}),
    "a repeated row": lambda data: data["data"].__setitem__(-1, data["data"][0]),
    "no total": lambda data: data.pop("total"),
    "total as a text": lambda data: data.__setitem__("total", "many"),
    "total_page beyond everything": lambda data: data.__setitem__("total_page", 10**30),
    "no rows at all": lambda data: data.__setitem__("data", None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_that_does_not_fit_together_is_no_list(warm_world, shape):
    world = warm_world
    job_id = losing(world)

    def hook(asked, send):
        response = send(asked)
        if not is_list(asked):
            return response

        def change(data):
            SHAPES[shape](data)

        return changed(response, change)

    odd = instance(world, upstream=hook)
    for _ in range(6):
        odd.tick()
        world.clock.advance(30)
    assert paid(world, job_id) == 1
    rest(world)
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


FIELDS = ("api_key_id", "model_name", "status", "gmt_create", "task_id")
VALUES = {"absent": ..., "null": None, "a list": [], "huge": 10**40, "blank": " "}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES)
def test_a_row_that_cannot_be_read_forbids_sending_again(warm_world, field, value):
    world = warm_world
    began_ms = world.clock.now() * 1000
    job_id = losing(world)

    def hook(asked, send):
        response = send(asked)
        if not is_list(asked):
            return response

        def change(data):
            for row in data["data"]:
                if row["gmt_create"] >= began_ms - 1000:
                    row[field] = VALUES[value]
                    if value == "absent":
                        del row[field]

        return changed(response, change)

    rest(world, instance(world, upstream=hook), ticks=60)
    assert paid(world, job_id) == 1
    assert ending(world, job_id) in {"completed", "submit_unknown"}


def test_a_null_row_stops_nobody(warm_world):
    world = warm_world
    job_id = losing(world)
    other = world.post(prompt="somebody else's").get_json()["id"]

    def hook(asked, send):
        response = send(asked)
        if not is_list(asked):
            return response
        return changed(
            response, lambda d: d | {"data": [*d["data"], None], "total": d["total"] + 1}
        )

    rest(world, instance(world, upstream=hook), ticks=60)
    assert ending(world, other) == "completed"
    assert paid(world, job_id) == 1


# Clocks


def undated(asked, send):
    """A bucket that does not tell the time: nothing can be measured."""
    response = send(asked)
    response.headers.pop("Date", None)
    return response


CORNERS = [(88, 59, 9), (90, 60, 10), (89, 59.5, 9.5), (0, 60, 10), (90, 0, 10)]


@pytest.mark.parametrize(("arrival_s", "lag_s", "ahead_s"), CORNERS)
def test_a_late_create_a_late_list_and_a_fast_ticker_make_one(
    warm_world, arrival_s, lag_s, ahead_s
):
    world = warm_world
    world.deploy({"TICK_BUDGET_S": "1"})  # many short ticks: one of them looks at the worst moment
    world.upstream.settings.list_lag_s = lag_s
    held = []

    def hook(asked, send):
        if not is_create(asked):
            return send(asked)
        held.append((asked, send))
        raise lost(asked)

    began = world.clock.now()
    job_id = submit(instance(world, upstream=hook).context, "local", request()).job.intent.id

    def sleep(seconds):
        """Time passes in small steps, so that the create arrives when it should."""
        until = world.clock.now() + seconds
        while world.clock.now() < until:
            if held and world.clock.now() - began >= arrival_s:
                asked, send = held.pop()
                send(asked)
            world.clock.advance(0.5)

    ahead = {"now": lambda: world.clock.now() + ahead_s, "sleep": sleep}
    ticker = instance(world, storage=undated, **ahead)
    sleep(31)
    while world.names("pending/"):
        ticker.tick()
        sleep(1)
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


@pytest.mark.parametrize("off_s", [-301, -101, -30, -12, 12, 30, 101, 299])
@pytest.mark.parametrize("how", ["before", "after"])
def test_an_upstream_whose_clock_is_off_is_paid_once(make_world, make_film, off_s, how):
    world = make_world(env={"FIRST_LOOK_S": "15"})
    upstream_ahead(world, off_s, lambda _task: make_film())
    warm(world)
    job_id = losing(world, how)
    rest(world, ticks=60)
    assert paid(world, job_id) <= 1
    if abs(off_s) <= 299:
        assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


def test_a_clock_that_no_correction_is_right_for_stops_sending_and_the_jobs_say_why(
    make_world, make_film
):
    world = make_world()
    upstream_ahead(world, 4000, lambda _task: make_film())
    first = world.post().get_json()["id"]  # teaches how far it is off
    second = world.post(prompt="another").get_json()["id"]
    world.tick()
    assert paid(world, second) == 0
    assert world.job(second)["waiting_for"] == "clock_off"
    assert paid(world, first) == 1


def test_an_instance_whose_clock_is_off_sends_nothing(make_world):
    world = make_world()
    late = world.instance(now=lambda: world.clock.now() + 25)
    late.context.ledger.check()
    made = submit(late.context, "local", request())
    assert world.paid() == []
    late.tick()
    assert world.paid() == []
    assert world.job(made.job.intent.id)["waiting_for"] == "clock_off"
    world.run()
    assert ending(world, made.job.intent.id) == "completed"


def test_an_instance_within_the_skew_goes_by_the_buckets_clock(make_world):
    world = make_world()
    fast = world.instance(now=lambda: world.clock.now() + 8)
    for _ in range(3):
        fast.context.ledger.check()
    assert abs(fast.context.now() - world.clock.now()) <= 1.0


# What is known of the account


def test_a_lost_answer_a_day_after_the_last_film_is_found(warm_world):
    world = warm_world
    world.clock.advance(25 * 3600)
    job_id = losing(world)
    rest(world, world.instance())
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


def test_a_model_that_is_not_available_made_no_task(make_world):
    world = make_world()  # cold: no list can tell anything yet
    world.upstream.faults.add(
        operation="create", kind="status", status=503, code="ModelUnavailable"
    )
    job_id = world.post().get_json()["id"]
    world.run()
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


# Several doubts at once


def test_two_lost_answers_are_told_apart_by_their_prompts(warm_world):
    world = warm_world
    first = losing(world, prompt="a  cat looks up\n")
    world.clock.advance(3)
    second = losing(world, prompt="a dog looks down")
    rest(world, ticks=60)
    for job_id in (first, second):
        assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


def test_of_two_doubts_the_one_without_a_task_is_sent_again(warm_world):
    world = warm_world
    first = losing(world, prompt="a cat looks up")
    world.clock.advance(3)
    second = losing(world, "before", prompt="a dog looks down")
    rest(world, ticks=60)
    for job_id in (first, second):
        assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


def test_equal_prompts_end_unknown_and_say_why(warm_world):
    world = warm_world
    first = losing(world)
    world.clock.advance(3)
    second = losing(world)
    rest(world, ticks=60)
    for job_id in (first, second):
        assert paid(world, job_id) == 1
        assert ending(world, job_id) == "submit_unknown"
        assert "cannot be told apart by their prompts" in world.job(job_id)["error"]["message"]


@pytest.mark.parametrize("prompt", [PROMPT, "another"])
def test_a_doubt_of_a_newer_revision_contests_as_any_other(warm_world, prompt):
    """Its stage is a word that we do not know; its lease is readable, and the task may be its own."""
    world = warm_world
    job_id = losing(world, prompt=prompt)
    state = world.context.jobs.live("local", job_id).state
    blob = world.bucket.blob("pending/local/vid_" + "0" * 27 + ".json")
    blob.metadata = {**state.to_metadata(), "stage": "weighing", "schema": "2"}
    blob.metadata = {key: value for key, value in blob.metadata.items() if value is not None}
    blob.upload_from_string(b"{}")
    rest(world, ticks=60)
    assert (paid(world, job_id), ending(world, job_id)) == (1, "submit_unknown")
    blob.delete()


def test_a_spoilt_object_contests_nothing(warm_world):
    world = warm_world
    blob = world.bucket.blob("pending/local/vid_" + "0" * 27 + ".json")
    blob.metadata = {"stage": "weighing", "since": "1e400"}
    blob.upload_from_string(b"{}")
    job_id = losing(world)
    rest(world, ticks=60)
    assert (paid(world, job_id), ending(world, job_id)) == (1, "completed")


# The alarm


@pytest.mark.parametrize("late_s", [91.0, 120.0])
def test_a_task_that_arrives_too_late_raises_the_alarm(warm_world, capsys, late_s):
    """The stated limit: a process that stands still for longer than M can still pay twice."""
    world = warm_world
    world.upstream.settings.list_lag_s = 60
    frozen = []

    def hook(asked, send):
        if is_create(asked) and not frozen:
            frozen.append((asked, send))
            raise lost(asked)
        return send(asked)

    sender = instance(world, upstream=hook)
    job_id = submit(sender.context, "local", request()).job.intent.id
    world.clock.advance(late_s + 30)
    asked, send = frozen[0]
    send(asked)
    rest(world, ticks=60)
    world.clock.advance(300)
    world.post(prompt="somebody watches the list again")
    rest(world)
    assert paid(world, job_id) in {1, 2}
    if paid(world, job_id) == 2:
        assert "upstream.late_task" in capsys.readouterr().out


def test_nothing_is_sent_when_the_bucket_says_nothing(make_world):
    world = make_world()

    def hook(_asked, _send):
        raise lost(_asked)

    silent = instance(world, storage=hook)
    with pytest.raises(ApiError):
        submit(silent.context, "local", request())
    assert world.paid() == []
