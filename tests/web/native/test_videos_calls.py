"""Retry, conditional and waiting reads, validate_only, health: as a frontend meets them."""

import threading

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from tests.world import World, picture

ANY = "vid_" + "0" * 27


def call(world, method, path, **options):
    return getattr(world.client, method)(f"/v1/videos/{path}", **options)


def failed(world, prompt="rain #moderation"):
    job_id = world.post(prompt=prompt).get_json()["id"]
    world.run()
    return job_id


# Retry


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


# Conditional reads


def test_a_job_that_has_not_changed_is_304_and_its_renewed_link_is_a_change(world):
    job_id = world.post().get_json()["id"]
    world.run()
    first = call(world, "get", job_id)
    tag = first.headers["ETag"]
    again = call(world, "get", job_id, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    for match in (f"W/{tag}", f'"x", {tag}', "*"):
        assert call(world, "get", job_id, headers={"If-None-Match": match}).status_code == 304
    assert call(world, "get", job_id, headers={"If-None-Match": '"other"'}).status_code == 200
    for _ in range(12):
        world.clock.advance(900)
        seen = call(world, "get", job_id, headers={"If-None-Match": tag})
        if seen.status_code == 200:
            tag = seen.headers["ETag"]
            link = seen.get_json()["url"]
            assert seen.get_json()["url_expires_at"] - world.clock.now() > 2600
        assert world.session().get(link).status_code == 200


def test_progress_is_a_change(world):
    job_id = world.post().get_json()["id"]
    tag = call(world, "get", job_id).headers["ETag"]
    world.clock.advance(30)
    assert call(world, "get", job_id, headers={"If-None-Match": tag}).status_code == 200


def test_a_link_stays_the_same_for_a_quarter_of_its_life_on_every_instance(world):
    job_id = world.post().get_json()["id"]
    world.run()
    world.clock.advance(900 - world.clock.now() % 900)
    here = world.job(job_id)["url"]
    there = world.instance().context.artifacts.steady_link(f"videos/local/{job_id}.mp4").url
    world.clock.advance(899)
    assert here == there == world.job(job_id)["url"]
    world.clock.advance(1)
    assert here != world.job(job_id)["url"]


# Waiting reads


def test_a_get_that_waits_comes_back_with_the_film(make_world):
    world = make_world(draw=lambda: (1.0, 20.0), env={"FIRST_LOOK_S": "5"})
    job_id = world.post().get_json()["id"]
    before = world.clock.now()
    answer = call(world, "get", job_id, headers={"Prefer": "wait=55"})
    assert answer.get_json()["status"] == "completed"
    assert answer.headers["Preference-Applied"] == "wait=55"
    assert world.clock.now() - before <= 55


@pytest.mark.parametrize(("prefer", "waited"), [("wait=7", 7), ("respond-async, wait=9", 9)])
def test_a_get_waits_no_longer_than_asked(world, prefer, waited):
    job_id = world.post().get_json()["id"]
    before = world.clock.now()
    answer = call(world, "get", job_id, headers={"Prefer": prefer})
    assert answer.get_json()["status"] == "in_progress"
    assert world.clock.now() - before == pytest.approx(waited, abs=1.5)


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-3", "wait=soon", "wait=0", "x=3"])
def test_a_preference_that_means_nothing_is_ignored(world, prefer):
    job_id = world.post().get_json()["id"]
    before = world.clock.now()
    answer = call(world, "get", job_id, headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers
    assert world.clock.now() - before < 1


def test_a_longer_wait_is_cut_and_said(world):
    job_id = world.post(prompt="rain #slow").get_json()["id"]
    answer = call(world, "get", job_id, headers={"Prefer": "wait=600"})
    assert answer.headers["Preference-Applied"] == "wait=55"


def test_few_wait_at_once_and_the_others_are_answered(make_world):
    world = make_world()
    job_id = world.post().get_json()["id"]
    inside, leave = threading.Semaphore(0), threading.Event()

    def sleep(_seconds):
        inside.release()
        leave.wait(20)

    service = world.instance(sleep=sleep)
    client = Client(Request.application(service.api))
    waiters = [
        threading.Thread(
            target=client.get,
            args=(f"/v1/videos/{job_id}",),
            kwargs={"headers": {"Prefer": "wait=5"}},
        )
        for _ in range(4)
    ]
    for waiter in waiters:
        waiter.start()
    for _ in waiters:
        assert inside.acquire(timeout=20)
    fifth = client.get(f"/v1/videos/{job_id}", headers={"Prefer": "wait=5"})
    assert fifth.status_code == 200
    assert "Preference-Applied" not in fifth.headers
    world.clock.advance(60)
    leave.set()
    for waiter in waiters:
        waiter.join(20)


# validate_only


@pytest.mark.parametrize("form", [True, False])
def test_validate_only_checks_everything_and_does_nothing(world, form):
    if form:
        answer = world.post(validate_only="true", resolution="480P")
    else:
        frames = {"first_frame": uri(), "last_frame": uri()}
        order = {**frames, "validate_only": True, "resolution": "480P"}
        answer = world.client.post("/v1/videos", json=order, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    found = answer.get_json()
    assert found["object"] == "video.validation"
    assert (found["valid"], found["resolution"], found["region"]) == (True, "480P", "singapore")
    assert found["size"] == "720x544"
    assert found["price"] is None  # Singapore's price of this model stands nowhere in public
    assert [frame["type"] for frame in found["frames"]] == ["image/png", "image/png"]
    assert world.names() == []
    assert world.paid() == []


def uri():
    import base64  # one test

    return "data:image/png;base64," + base64.b64encode(picture()).decode()


def test_validate_only_tells_the_price_where_one_is_published(make_world):
    beijing = {
        "DASHSCOPE_REGION": "beijing",
        "DASHSCOPE_BASE_URL": "http://127.0.0.1:9002/beijing/api/v1",
        "DASHSCOPE_API_KEY": "sk-local-beijing",
    }
    world = make_world(env=beijing)
    found = world.post(validate_only="true", resolution="1080P").get_json()
    assert found["price"] == {"amount": "2.40", "currency": "CNY"}


def test_validate_only_refuses_what_a_create_would_refuse(world):
    bad = world.post(validate_only="true", first=picture(100, 100))
    real = world.post(first=picture(100, 100))
    assert bad.status_code == real.status_code == 400
    assert bad.get_json()["detail"] == real.get_json()["detail"]


def test_a_pair_of_different_shapes_is_warned_of_before_it_is_paid(world):
    found = world.post(validate_only="true", last=picture(400, 400)).get_json()
    assert "another shape" in found["warnings"][0]


# An SDK that numbers its tries


def tries(world, count, **fields):
    return world.post(headers={"x-stainless-retry-count": count}, **fields).get_json()["id"]


def test_tries_that_an_sdk_numbers_are_one_create(world):
    assert len({tries(world, str(count)) for count in range(3)}) == 1
    assert len(world.paid()) == 1


def test_a_second_wish_is_a_second_film(world):
    first, second = tries(world, "0"), tries(world, "0")
    assert first != second
    assert tries(world, "1") == second


def test_a_first_try_that_its_own_repetition_overtook_is_no_second_wish(world):
    again = tries(world, "1")
    assert tries(world, "0") == again
    assert tries(world, "0") != again


def test_without_the_window_every_try_is_a_create(make_world):
    world = make_world(env={"IMPLICIT_DEDUPE_S": "0"})
    assert tries(world, "0") != tries(world, "1")


def test_a_client_that_numbers_nothing_gets_what_it_asks_for(world):
    assert world.post().get_json()["id"] != world.post().get_json()["id"]


# Health


def test_ready_says_whether_the_bucket_answers_and_asks_it_seldom(make_film):
    world = World(make_film)
    assert world.client.get("/ready").get_json() == {"status": "ready"}
    world.storage.faults.add(method="LIST", object="gates/", status=503, times=100)
    assert world.client.get("/ready").status_code == 200
    world.clock.advance(11)
    answer = world.client.get("/ready")
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "storage_unavailable"
    assert world.client.get("/health").status_code == 200
