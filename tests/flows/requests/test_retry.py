"""A job that did not end well is made anew: from what the bucket has, once however often it is asked for."""

import pytest

ANY = "vid_" + "0" * 27


def call(world, method, path, **options):
    return getattr(world.client, method)(f"/v1/videos/{path}", **options)


def failed(world, prompt="rain #moderation"):
    job_id = world.post(prompt=prompt).get_json()["id"]
    world.run()
    return job_id


def test_a_failed_job_is_made_again_from_what_the_bucket_has(world):
    old = failed(world, "rain #internal")
    answer = call(world, "post", f"{old}/retry")
    new = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/videos/{new['id']}"
    assert new["id"] != old
    assert new["status"] == "in_progress"
    first, second = world.paid()
    assert second.film.first == first.film.first
    assert second.film.last == first.film.last
    assert second.body["parameters"] == first.body["parameters"]
    assert world.job(old)["status"] == "failed"


def test_however_often_a_retry_is_asked_for_there_is_one_new_job(world):
    old = failed(world)
    made = [call(world, "post", f"{old}/retry") for _ in range(3)]
    assert len({answer.get_json()["id"] for answer in made}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in made] == [None, "true", "true"]
    assert len(world.paid()) == 2
    other = call(world, "post", f"{old}/retry", headers={"Idempotency-Key": "another wish"})
    assert other.get_json()["id"] != made[0].get_json()["id"]


def test_an_expired_and_a_cancelled_job_can_be_made_again(make_world):
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    cancelled = world.post().get_json()["id"]
    call(world, "post", f"{cancelled}/cancel")
    assert call(world, "post", f"{cancelled}/retry").status_code == 202
    expired = world.post(prompt="snow").get_json()["id"]
    world.upstream.tasks.clear()
    world.clock.advance(25 * 3600)
    world.run()
    assert world.job(expired)["status"] == "expired"
    assert call(world, "post", f"{expired}/retry").status_code == 202


def test_what_lives_or_has_its_film_is_not_made_again(world):
    job_id = world.post().get_json()["id"]
    assert call(world, "post", f"{job_id}/retry").status_code == 409
    world.run()
    answer = call(world, "post", f"{job_id}/retry")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "conflict")
    assert call(world, "post", f"{ANY}/retry").status_code == 404
    assert len(world.paid()) == 1


def test_what_may_be_billed_already_is_made_again_only_with_the_owners_word(world):
    world.upstream.faults.add(operation="create", kind="drop", when="after", times=2)
    jobs = [world.post(prompt="rain").get_json()["id"]]
    world.clock.advance(2)
    jobs.append(world.post(prompt="rain").get_json()["id"])
    for _ in range(40):
        world.clock.advance(30)
        world.tick()
    unknown = [job for job in jobs if world.job(job)["status"] == "failed"]
    assert unknown, [world.job(job) for job in jobs]
    paid = len(world.paid())
    answer = call(world, "post", f"{unknown[0]}/retry")
    assert answer.status_code == 409
    assert answer.get_json()["error"]["param"] == "accept_double_payment"
    assert len(world.paid()) == paid
    agreed = call(world, "post", f"{unknown[0]}/retry", json={"accept_double_payment": True})
    assert agreed.status_code == 202
    assert len(world.paid()) == paid + 1


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "another"}, "prompt"),
        ({"accept_double_payment": "yes"}, "accept_double_payment"),
    ],
)
def test_a_retry_takes_nothing_but_the_owners_word(world, body, param):
    answer = call(world, "post", f"{failed(world)}/retry", json=body)
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, param)


def test_a_job_whose_frames_are_gone_says_so(world):
    old = failed(world)
    world.bucket.delete_blobs(list(world.bucket.list_blobs(prefix="frames/")))
    answer = call(world, "post", f"{old}/retry")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (410, "gone")
