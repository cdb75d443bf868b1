"""Verdicts tell the truth: what happened, what it cost by the upstream's books, the same to everybody."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.core import errors
from lib.core.jobs.job import (
    ENDINGS,
    Failure,
    Job,
    Stage,
    State,
    Status,
    StoredVideo,
    Verdict,
)
from lib.flows.tasks.verdicts import unknown
from lib.web.compat import dialect as compat
from lib.web.native import dialect as native

DAY_S = 24 * 3600
TAKEN = json.dumps({"request_id": "r"})
QUIETLY = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def answered(world, operation, body=TAKEN, times=1):
    """The next such calls are answered so, whatever the books say."""
    fields = {"status": 200, "content_type": "application/json", "times": times}
    world.upstream.faults.add(operation=operation, kind="answer", body=body, **fields)


def report(status, **fields):
    """The body of an answer to a query for one task."""
    output = {"task_id": "", "task_status": status, **fields}
    return json.dumps({"request_id": "r", "output": output})


def cancel(world, job_id):
    answer = world.client.post(f"/v1/videos/{job_id}/cancel")
    return answer.status_code, answer.get_json()


def expired(world, job_id, hours=25):
    """The job after its deadline in the queue, nobody having sent it meanwhile."""
    world.upstream.faults.clear()
    world.clock.advance(hours * 3600)
    world.tick()
    return world.job(job_id)


# What became of a job that was never accepted


def test_a_job_that_was_never_sent_is_told_so(make_world):
    world = make_world(draw=lambda: (1.0, 5000.0))
    jobs = [world.post().get_json()["id"] for _ in range(3)]
    found = expired(world, jobs[2])
    assert (found["status"], found["usage"]["paid"]) == ("expired", False)
    assert "was never sent" in found["error"]["message"]
    assert len(world.paid()) == 1


@pytest.mark.parametrize("kind", ["rate", "quota", "arrears", "key"])
def test_a_job_that_was_sent_and_refused_is_not_told_that_it_was_never_sent(world, kind):
    world.upstream.faults.add(operation="create", kind=kind, times=1000)
    job_id = world.post().get_json()["id"]
    for _ in range(3):
        world.clock.advance(100)
        world.tick()
    found = expired(world, job_id)
    assert (found["status"], found["usage"]["paid"]) == ("expired", False)
    message = found["error"]["message"]
    assert "never sent" not in message
    assert "times, and no task was made" in message
    assert found["error"]["upstream_code"] is None  # a code of ours is none of theirs
    assert world.paid() == []


def test_a_job_that_was_queued_again_after_a_doubt_is_not_told_that_it_was_never_sent(world):
    known = world.post().get_json()["id"]
    world.run()
    world.upstream.faults.add(operation="create", kind="drop", when="before", times=1)
    job_id = world.post().get_json()["id"]
    assert world.job(job_id)["stage"] == "unsure"
    world.upstream.faults.add(operation="create", kind="rate", times=1000)
    for _ in range(30):
        world.clock.advance(10)
        world.tick()
    assert world.job(job_id)["stage"] == "queued"
    found = expired(world, job_id)
    assert (found["status"], found["usage"]["paid"]) == ("expired", False)
    assert "never sent" not in found["error"]["message"]
    assert len(world.paid()) == 1
    assert world.job(known)["status"] == "completed"


def test_a_sender_that_died_before_its_request_is_not_called_unanswered(make_world):
    """Nobody can know that it died before: but nobody may claim that it was sent, either."""
    world = make_world()
    state = {"by": "b" * 16, "since": world.clock.now(), "until": world.clock.now() + 30}
    job_id = queued(world)
    put(world, job_id, State(Stage.SENDING, account="singapore", model="m", **state))
    world.deploy({"DASHSCOPE_ACCOUNTS": json.dumps([elsewhere(world)])})
    world.clock.advance(2 * DAY_S)
    world.tick()
    found = world.job(job_id)
    assert (found["error"]["code"], found["usage"]["paid"]) == ("submit_unknown", None)
    assert "did not answer" not in found["error"]["message"]
    assert "no longer hold its upstream account 'singapore'" in found["error"]["message"]


def elsewhere(world):
    return {
        "name": "another",
        "region": "beijing",
        "api_key": "sk-local-beijing",
        "base_url": f"{world.upstream_url}/beijing/api/v1",
        "delivery": "link",
    }


# What a cancel may promise


@pytest.mark.parametrize("books", ["RUNNING", "SUCCEEDED", "FAILED"])
def test_a_cancel_that_did_not_take_is_a_conflict_and_the_job_goes_on(make_world, books):
    world = make_world()
    prompt = "rain #moderation" if books == "FAILED" else "rain"
    job_id = world.post(prompt=prompt).get_json()["id"]
    world.clock.advance({"RUNNING": 20}.get(books, 80))
    answered(world, "cancel")
    status, problem = cancel(world, job_id)
    assert [task.status for task in world.paid()] == [books]
    assert (status, problem["error"]["code"]) == (409, "conflict")
    world.run()
    done = world.job(job_id)
    assert done["status"] == ("failed" if books == "FAILED" else "completed")
    assert done["usage"]["paid"] is (books != "FAILED")


@pytest.mark.parametrize("lost", ["", "drop", "internal", "rate"])
@pytest.mark.parametrize("books", ["RUNNING", "SUCCEEDED", "CANCELED"])
def test_a_cancel_that_nobody_confirms_ends_nothing_and_a_tick_sees_what_happened(
    make_world, books, lost
):
    pending_s = 500.0 if books == "CANCELED" else 1.0
    world = make_world(overflow="queue", draw=lambda: (pending_s, 60.0))
    job_id = world.post().get_json()["id"]
    world.clock.advance({"SUCCEEDED": 80}.get(books, 20))
    if lost:
        when = "after" if books == "CANCELED" else "before"
        world.upstream.faults.add(operation="cancel", kind=lost, when=when, times=1)
    elif books != "CANCELED":
        answered(world, "cancel")
    world.upstream.faults.add(operation="get", kind="drop", times=1)
    status, problem = cancel(world, job_id)
    assert (status, problem["error"]["code"]) == (503, "upstream_unavailable")
    assert world.names("jobs/") == []
    world.upstream.faults.clear()
    world.run(ticks=60)
    done = world.job(job_id)
    ended = "cancelled" if books == "CANCELED" else "completed"
    assert (done["status"], done["usage"]["paid"]) == (ended, books != "CANCELED")
    assert [task.paid for task in world.paid()] == [done["usage"]["paid"]]


def test_a_lost_answer_to_a_cancel_that_took_is_looked_up(make_world):
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="cancel", kind="drop", when="after", times=1)
    status, job = cancel(world, job_id)
    assert (status, job["status"], job["usage"]["paid"]) == (200, "cancelled", False)
    assert [task.status for task in world.paid()] == ["CANCELED"]


@pytest.mark.parametrize("status", ["PENDING", "UNKNOWN", "SUSPENDED?", None])
def test_a_cancel_is_not_believed_while_the_record_says_otherwise(make_world, status):
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    job_id = world.post().get_json()["id"]
    answered(world, "get", report(status))
    code, _problem = cancel(world, job_id)
    assert code in {409, 503}
    assert world.job(job_id)["status"] == "in_progress"
    world.run(ticks=60)
    assert world.job(job_id)["status"] == "cancelled"


def test_the_code_of_a_refused_cancel_is_short(make_world):
    world = make_world()
    job_id = world.post().get_json()["id"]
    odd = json.dumps({"code": "x" * 100_000, "message": "sk-1234567890", "request_id": "r"})
    for operation in ("cancel", "get"):
        fields = {"status": 500, "body": odd, "content_type": "application/json"}
        world.upstream.faults.add(operation=operation, kind="answer", **fields)
    status, problem = cancel(world, job_id)
    assert status == 503
    assert len(json.dumps(problem)) < 2000


# Paid is what the books say, or null


def the_film(world):
    return world.post().get_json()["id"]


def a_refusal(world):
    return world.post(prompt="rain #moderation-input").get_json()["id"]


def a_failure(world):
    return world.post(prompt="rain #moderation").get_json()["id"]


def a_failure_that_says_it_used_something(world):
    job_id = world.post().get_json()["id"]
    body = json.loads(report("FAILED", code="InternalError"))
    body["usage"] = {"video_duration": 5, "video_count": 1, "paid": False}
    world.clock.advance(80)
    answered(world, "get", json.dumps(body))
    return job_id


def a_cancel_in_the_queue(world):
    jobs = [world.post().get_json()["id"] for _ in range(3)]
    assert cancel(world, jobs[2])[0] == 200
    return jobs[2]


def a_cancel_upstream(world):
    world.upstream.settings.change({"overflow": "queue"})
    job_id = world.post().get_json()["id"]
    (task,) = world.paid()
    assert world.upstream.tasks.cancel(task)
    return job_id


def a_dead_link(world):
    job_id = world.post(prompt="rain #dead-link").get_json()["id"]
    for _ in range(26):
        world.tick()
        world.clock.advance(3600)
    return job_id


def a_film_that_never_came(world):
    """Seen as a success, its copies failed for a day, then forgotten."""
    job_id = world.post().get_json()["id"]
    world.clock.advance(80)
    world.upstream.faults.add(operation="result", kind="drop", times=100_000)
    world.tick()
    world.clock.advance(25 * 3600)
    return job_id


def a_task_that_nobody_knows(world):
    job_id = world.post(prompt="rain #unknown").get_json()["id"]
    world.clock.advance(25 * 3600)
    return job_id


def an_account_that_went(world):
    """Its film was made, and nobody looked in time."""
    job_id = world.post().get_json()["id"]
    world.clock.advance(80)
    world.deploy({"DASHSCOPE_ACCOUNTS": json.dumps([elsewhere(world)])})
    world.clock.advance(25 * 3600)
    return job_id


def an_account_that_went_with_a_film_that_was_seen(world):
    job_id = world.post().get_json()["id"]
    world.clock.advance(80)
    world.upstream.faults.add(operation="result", kind="drop", times=100_000)
    world.tick()
    world.deploy({"DASHSCOPE_ACCOUNTS": json.dumps([elsewhere(world)])})
    world.clock.advance(25 * 3600)
    return job_id


def a_doubt_for_ever(world):
    """The first create of an account; no list ever shows whose key is ours."""
    world.upstream.faults.add(operation="create", kind="drop", when="after", times=1)
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="list", kind="internal", times=100_000)
    world.clock.advance(26 * 3600)
    return job_id


PATHS = [
    (the_film, "completed", True),
    (a_refusal, "failed", False),
    (a_failure, "failed", False),
    (a_failure_that_says_it_used_something, "failed", None),
    (a_cancel_in_the_queue, "cancelled", False),
    (a_cancel_upstream, "cancelled", False),
    (a_dead_link, "failed", True),
    (a_film_that_never_came, "failed", True),
    (a_task_that_nobody_knows, "expired", None),
    (an_account_that_went, "expired", None),
    (an_account_that_went_with_a_film_that_was_seen, "expired", True),
    (a_doubt_for_ever, "failed", None),
]


@pytest.mark.parametrize(
    ("path", "status", "paid"), PATHS, ids=lambda value: getattr(value, "__name__", "")
)
def test_paid_is_what_the_books_say_or_null(make_world, path, status, paid):
    world = make_world(draw=lambda: (5.0, 60.0))
    job_id = path(world)
    world.run(ticks=60)
    found = world.job(job_id)
    assert (found["status"], found["usage"]["paid"]) == (status, paid)
    tasks = [task for task in world.paid() if job_id in task.body["input"]["first_frame_url"]]
    books = any(task.paid for task in tasks)
    assert len(tasks) <= 1
    assert found["usage"]["paid"] in {books, None}
    assert world.bucket.get_blob(f"jobs/local/{job_id}.json").metadata["paid"] == str(paid)


# What the upstream says of itself does not override what we know


@pytest.mark.parametrize(
    "usage", [{"paid": False, "SR": 480}, {"paid": "no"}, [1], "x", None, {"paid": {}}]
)
def test_an_upstream_that_says_paid_does_not_override_ours(world, usage):
    job_id = world.post().get_json()["id"]
    world.clock.advance(80)
    (task,) = world.paid()
    link = world.upstream._results.link(task)
    body = json.loads(report("SUCCEEDED", video_url=link, orig_prompt=["odd"], actual_prompt=7))
    answered(world, "get", json.dumps({**body, "usage": usage}))
    world.run()
    found = world.job(job_id)
    assert (found["status"], found["usage"]["paid"]) == ("completed", True)
    shown = world.client.get(f"/api/v1/tasks/{job_id}").get_json()
    assert "paid" not in shown["usage"]
    assert shown["output"]["task_status"] == "SUCCEEDED"


def test_odd_texts_of_a_failure_are_told_within_bounds(world):
    for odd in ([], {"a": 1}, "x" * 100_000, "\ud800", 7):
        job_id = world.post().get_json()["id"]
        world.clock.advance(80)
        names = ("code", "message", "orig_prompt", "actual_prompt", "video_url", "end_time")
        body = report("FAILED", **dict.fromkeys(names, odd))
        answered(world, "get", body)
        world.run()
        answer = world.client.get(f"/v1/videos/{job_id}")
        assert answer.get_json()["status"] == "failed"
        assert len(answer.data) < 10_000


# The list and the single answer say the same

KINDS = {
    "completed": lambda now: Verdict(
        Status.COMPLETED, now, video=StoredVideo("videos/local/x.mp4"), paid=True
    ),
    "failed": lambda now: Verdict(
        Status.FAILED, now, Failure(errors.UPSTREAM_FAILED, "no", retryable=True), paid=False
    ),
    "odd usage": lambda now: Verdict(Status.FAILED, now, usage=[{"paid": 1}], paid=False),
    "cancelled": lambda now: Verdict(Status.CANCELLED, now, paid=False),
    "expired": lambda now: Verdict(
        Status.EXPIRED, now, Failure(errors.EXPIRED, "late", retryable=True), paid=False
    ),
    "submit_unknown": lambda now: unknown(now, ("t",)),
    "deleted": None,
}
CARDS = ["as written", "without metadata", "of another status", "of no status"]


def queued(world):
    """One more job that waits here: the gate is shut for it."""
    gate = world.context.ledger.gate("singapore")
    world.context.ledger.move_gate(
        gate, world.context.token(), free=0, next_send=world.clock.now() + 1
    )
    return world.post().get_json()["id"]


def put(world, job_id, state):
    """The job in that stage, as somebody may have left it."""
    blob = world.bucket.blob(f"pending/local/{job_id}.json")
    blob.reload()
    blob.metadata = {**dict.fromkeys(blob.metadata or {}), **state.to_metadata()}
    blob.patch()


def write(world, job_id, kind, card):
    """A record of that kind, with metadata as an older revision or a careless hand may have left it."""
    intent = world.context.jobs.intent(world.context.jobs.live("local", job_id))
    make = KINDS[kind]
    verdict = make(world.clock.now()) if make else Verdict(Status.CANCELLED, world.clock.now())
    stage = next(stage for stage in Stage if verdict.status in ENDINGS[stage])
    world.context.jobs.finish(intent, State(stage, "b" * 16, 0.0), verdict)
    if make is None:
        world.context.jobs.purge("local", job_id, world.clock.now())
    blob = world.bucket.blob(f"jobs/local/{job_id}.json")
    blob.reload()
    if card == "without metadata":
        blob.metadata = dict.fromkeys(blob.metadata)
    elif card == "of no status":
        blob.metadata = {"status": ""}
    if card != "as written":
        blob.patch()


def everybody(world, ids):
    """What each call says of each job: the single answers, then the lists, filtered and not."""
    single = {}
    for job_id in ids:
        answer = world.client.get(f"/v1/videos/{job_id}")
        assert answer.status_code in {200, 404}
        if answer.status_code == 200:
            single[job_id] = answer.get_json()
    listed = world.client.get("/v1/videos?limit=100").get_json()["data"]
    assert {job["id"]: job for job in listed} == single
    assert [job["id"] for job in listed] == sorted(single)
    for status in Status:
        some = world.client.get(f"/v1/videos?limit=100&status={status}").get_json()["data"]
        wanted = {job_id for job_id, job in single.items() if job["status"] == status}
        assert {job["id"] for job in some} == wanted, status
    return single


def tasks(world, ids, single):
    """The same in the service's own dialect."""
    rows = world.client.get("/api/v1/tasks?page_size=100").get_json()["data"]
    assert {row["task_id"] for row in rows} == set(single)
    for job_id in ids:
        output = world.client.get(f"/api/v1/tasks/{job_id}").get_json()["output"]
        row = [row for row in rows if row["task_id"] == job_id]
        assert [row["status"] for row in row] == (
            [] if output["task_status"] == "UNKNOWN" else [output["task_status"]]
        )
        only = world.client.get(f"/api/v1/tasks?task_id={job_id}").get_json()["data"]
        assert only == row
    for status in set(compat.STATUSES.values()):
        some = world.client.get(f"/api/v1/tasks?page_size=100&status={status}").get_json()["data"]
        assert some == [row for row in rows if row["status"] == status]


LIVES = st.tuples(
    st.sampled_from([stage for stage in Stage if stage is not Stage.DELETING]),
    st.sampled_from([None, *KINDS]),
    st.sampled_from([card for card in CARDS if card != "of another status"]),
    st.booleans(),
)


@settings(max_examples=25, **QUIETLY)
@given(lives=st.lists(LIVES, min_size=1, max_size=6))
def test_list_and_get_say_the_same_of_every_stage_and_end(make_world, lives):
    world = make_world()
    ids = [queued(world) for _ in lives]
    for job_id, (stage, kind, card, moved) in zip(ids, lives, strict=True):
        if kind:
            write(world, job_id, kind, card)
        now = world.clock.now()
        state = State(
            stage,
            "b" * 16,
            now,
            until=now + 30,
            account="singapore",
            region="singapore",
            model="m",
            task_id="t" if stage in {Stage.RUNNING, Stage.COPYING} else "",
            accepted_at=now if stage in {Stage.RUNNING, Stage.COPYING} else 0.0,
            eta_s=100.0,
        )
        put(world, job_id, state)
        if kind and moved:
            world.bucket.blob(f"pending/local/{job_id}.json").delete()
    single = everybody(world, ids)
    tasks(world, ids, single)


def test_list_and_get_agree_after_a_look_that_moved_the_job(world):
    job_id = world.post().get_json()["id"]
    world.clock.advance(200)
    single = everybody(world, [job_id])
    assert single[job_id]["status"] == "completed"
    tasks(world, [job_id], single)


def test_a_young_job_of_an_old_id_is_not_hidden_by_an_older_job(world):
    """A refused key keeps its id for a day: the job that is made then sorts behind older ones."""
    young = queued(world)
    intent = world.context.jobs.intent(world.context.jobs.live("local", young))
    world.bucket.blob(f"pending/local/{young}.json").delete()
    world.clock.advance(1800)
    older = queued(world)
    world.clock.advance(23 * 3600)
    again = type(intent)(**{**vars(intent), "created_at": world.clock.now()})
    state = State(Stage.QUEUED, "b" * 16, world.clock.now(), account="singapore")
    assert world.context.jobs.create(again, state)
    world.clock.advance(2 * 3600)
    everybody(world, [young, older])
    rows = world.client.get("/api/v1/tasks").get_json()["data"]
    assert [row["task_id"] for row in rows] == [young]  # the other is more than a day old


def test_a_task_that_is_asked_for_by_its_id_is_found_however_old(world):
    job_id = world.post().get_json()["id"]
    world.run()
    world.clock.advance(10 * DAY_S)
    assert (
        world.client.get(f"/api/v1/tasks/{job_id}").get_json()["output"]["task_status"]
        == "SUCCEEDED"
    )
    (row,) = world.client.get(f"/api/v1/tasks?task_id={job_id}").get_json()["data"]
    assert row["status"] == "SUCCEEDED"
    assert world.client.get("/api/v1/tasks").get_json()["data"] == []


def test_a_cancelled_stage_waits_for_nothing_and_is_unpaid(world):
    world.upstream.faults.add(operation="create", kind="quota", times=1)
    job_id = world.post().get_json()["id"]
    assert world.job(job_id)["waiting_for"] == "upstream_quota"
    world.storage.faults.add(method="POST", object="jobs/*", status=503, times=100)
    status, told = cancel(world, job_id)
    assert (status, told["status"]) == (200, "cancelled")
    shown = world.job(job_id)
    assert (shown["status"], shown["stage"]) == ("cancelled", "cancelled")
    assert (shown["waiting_for"], shown["usage"]["paid"]) == (None, False)
    everybody(world, [job_id])


@pytest.mark.parametrize(
    "usage", [[], "x", None, {"paid": 1, "SR": 10**4000}], ids=lambda _: "usage"
)
def test_both_dialects_bound_a_stored_usage_that_is_odd(world, usage):
    job_id = queued(world)
    intent = world.context.jobs.intent(world.context.jobs.live("local", job_id))
    verdict = Verdict(Status.COMPLETED, 0.0, video=StoredVideo("v"), usage=usage, paid=True)
    assert native.usage(Job(intent, verdict=verdict)) == {"paid": True}
    link = world.context.artifacts.link("v")
    shown = compat.show(Job(intent, verdict=verdict), link, "r")
    assert shown["usage"] == {"video_duration": 5, "video_count": 1, "SR": 720}
