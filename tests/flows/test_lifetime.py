"""A job from POST to its end, through real clients over the emulators."""

import pytest


def test_a_post_becomes_a_film_behind_a_signed_link(world):
    answer = world.post()
    assert answer.status_code == 202
    job = answer.get_json()
    assert (job["status"], job["stage"]) == ("in_progress", "running")
    world.run()
    done = world.job(job["id"])
    assert done["status"] == "completed"
    film = world.session().get(done["url"])
    assert film.status_code == 200
    assert film.headers["Content-Type"] == "video/mp4"
    assert len(world.paid()) == 1
    assert world.names("pending/") == []
    assert len(world.names("videos/")) == 1


def test_the_upstream_gets_frames_it_can_download_and_the_fields_of_the_request(world):
    world.post(prompt="rain", negative_prompt="sun", seed="7", watermark="true", resolution="480P")
    (task,) = world.paid()
    assert task.body["parameters"] == {
        "resolution": "480P",
        "prompt_extend": True,
        "watermark": True,
        "seed": 7,
    }
    assert task.body["input"]["prompt"] == "rain"
    assert task.body["input"]["negative_prompt"] == "sun"
    for side in ("first_frame_url", "last_frame_url"):
        assert world.session().get(task.body["input"][side]).status_code == 200


def test_nothing_is_sent_upstream_before_the_intent_is_in_the_bucket(world):
    world.storage.faults.add(method="POST", object="pending/*", status=503, times=100)
    answer = world.post()
    assert answer.status_code == 503
    assert world.paid() == []


def test_an_idle_tick_costs_one_list_and_asks_the_upstream_nothing(world):
    before = world.upstream.counts.copy()
    assert world.tick()["pending"] == 0
    assert world.upstream.counts == before


def test_a_tick_tells_for_how_long_the_oldest_job_has_not_ended(world):
    assert world.tick()["oldest_s"] == 0
    jobs = [world.post().get_json()["id"]]
    world.clock.advance(40)
    jobs += [world.post(prompt=f"a younger one, {number}").get_json()["id"] for number in range(3)]
    told = world.tick()
    left = [world.job(job)["created_at"] for job in jobs if world.job(job)["status"] != "completed"]
    assert len(left) == told["pending"] > 1
    assert told["oldest_s"] == pytest.approx(world.clock.now() - min(left), abs=1)
    world.run()
    assert world.tick()["oldest_s"] == 0


def test_a_failed_task_ends_as_failed_with_the_upstreams_reason(world):
    job = world.post(prompt="rain #moderation").get_json()
    world.run()
    done = world.job(job["id"])
    assert done["status"] == "failed"
    assert done["error"]["code"] == "content_policy_violation"
    assert done["error"]["upstream_code"] == "DataInspectionFailed"
    assert world.names("videos/") == []


@pytest.mark.parametrize("overflow", ["refuse", "queue"])
def test_a_full_upstream_is_not_the_callers_problem(make_world, overflow):
    world = make_world(overflow=overflow)
    jobs = [world.post().get_json()["id"] for _ in range(6)]
    world.run(ticks=60)
    assert {world.job(job)["status"] for job in jobs} == {"completed"}
    assert len(world.paid()) == 6


def test_the_same_key_pays_once_and_answers_with_the_same_job(world):
    first = world.post(headers={"Idempotency-Key": "k1"})
    again = world.post(headers={"Idempotency-Key": "k1"})
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    world.run()
    assert world.post(headers={"Idempotency-Key": "k1"}).get_json()["status"] == "completed"
    assert len(world.paid()) == 1


def test_the_same_key_with_another_body_is_refused(world):
    world.post(headers={"Idempotency-Key": "k1"})
    other = world.post(headers={"Idempotency-Key": "k1"}, prompt="another")
    assert other.status_code == 422
    assert other.get_json()["error"]["code"] == "idempotency_mismatch"
    assert len(world.paid()) == 1


@pytest.mark.parametrize("scenario", ["#truncated-mp4", "#corrupt-mp4", "#wrong-type"])
def test_a_bad_film_is_never_completed_and_ends_the_job_as_paid(world, scenario):
    job = world.post(prompt=f"rain {scenario}").get_json()
    world.run(ticks=160, pause_s=30.0)
    done = world.job(job["id"])
    assert done["status"] == "failed"
    assert (done["error"]["code"], done["usage"]["paid"]) == ("delivery_failed", True)
    assert world.upstream.counts["result"] == 5
    assert world.names("videos/") == []


def test_a_lost_create_answer_is_reconciled_to_one_paid_task(world):
    first = world.post().get_json()["id"]
    world.upstream.faults.add(operation="create", kind="drop", when="after", times=1)
    world.clock.advance(5)
    job = world.post().get_json()
    assert job["status"] == "queued"
    for _ in range(12):
        world.clock.advance(30)
        world.tick()
    assert world.job(first)["status"] == "completed"
    assert world.job(job["id"])["status"] == "completed"
    assert len(world.paid()) == 2
