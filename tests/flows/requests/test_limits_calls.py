"""Limits as callers meet them: fields on every answer, 429 with the way out, replays for nothing."""

import base64
import itertools
import json
import threading

import pytest

from tests.world import picture

URI = "data:image/png;base64," + base64.b64encode(picture()).decode()
DAY_S = 24 * 3600


def limited(make_world, **row):
    return make_world(env={"OWNER_LIMITS": json.dumps({"*": row})})


def post(world, key=None, **changes):
    body = {"first_frame": URI, "last_frame": URI, "prompt": "p", **changes}
    headers = {"Idempotency-Key": key} if key else {}
    return world.client.post("/v1/videos", json=body, headers=headers)


def test_every_create_says_what_is_left_and_the_last_one_when_more_is(make_world):
    world = limited(make_world, jobs_per_day=2)
    first, second, third = (post(world) for _ in range(3))
    assert [answer.status_code for answer in (first, second, third)] == [202, 202, 429]
    assert first.headers["RateLimit-Policy"] == '"jobs_per_day";q=2;w=86400'
    assert first.headers["RateLimit"].startswith('"jobs_per_day";r=1;t=')
    assert second.headers["RateLimit"].startswith('"jobs_per_day";r=0;t=')
    problem = third.get_json()
    assert (problem["status"], problem["error"]["code"]) == (429, "rate_limited")
    assert problem["error"]["type"] == "rate_limit_error"
    assert problem["error"]["retryable"] is True
    assert "2 jobs were accepted in the last 24 hours, 2 are allowed" in problem["detail"]
    assert third.headers["RateLimit"].startswith('"jobs_per_day";r=0;t=')
    assert 0 < int(third.headers["Retry-After"]) <= DAY_S
    assert len(world.names("pending/")) == 2
    world.run()
    world.clock.advance(int(third.headers["Retry-After"]))
    assert post(world).status_code == 202


def test_a_refused_create_leaves_no_frames_and_pays_nothing(make_world):
    world = limited(make_world, jobs_running=1)
    post(world)
    paid, frames = world.paid(), world.names("frames/")
    assert post(world).status_code == 429
    assert (world.paid(), world.names("frames/")) == (paid, frames)


def test_a_replay_is_never_counted_and_never_refused(make_world):
    world = limited(make_world, jobs_per_day=2)
    ids = {post(world, "one").get_json()["id"] for _ in range(5)}
    assert len(ids) == 1
    assert post(world, "two").status_code == 202
    for key in ("one", "two"):
        again = post(world, key)
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
        assert "RateLimit" not in again.headers
    assert post(world, "three").status_code == 429


def test_a_key_that_was_refused_makes_its_job_once_there_is_room(make_world):
    world = limited(make_world, jobs_running=1)
    post(world)
    assert post(world, "later").status_code == 429
    assert post(world, "later").status_code == 429
    world.run()
    made = post(world, "later")
    assert made.status_code == 202
    assert post(world, "later").get_json()["id"] == made.get_json()["id"]
    assert len(world.paid()) == 2


def test_a_job_dearer_than_a_day_is_refused_for_good(make_world):
    world = limited(make_world, spend_per_day="3 CNY", unpriced_job="4 CNY")
    answer = post(world)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "forbidden")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("threads", [8])
def test_creates_at_the_same_moment_pass_by_no_more_than_themselves(make_world, threads):
    """The stated bound of a count without a lock."""
    world = limited(make_world, jobs_per_day=3)
    answers, number = [], itertools.count()

    def work():
        answers.append(post(world, prompt=f"film {next(number)}").status_code)

    several = [threading.Thread(target=work) for _ in range(threads)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    assert set(answers) <= {202, 429}
    assert 3 <= answers.count(202) <= threads
    assert post(world).status_code == 429
