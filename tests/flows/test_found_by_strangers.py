"""What testers who had not read the code broke: each as they told it, and the right value."""

import json
from email.utils import formatdate

import pytest

from lib.core.request import VideoRequest
from lib.flows.requests.submit import submit
from tests.hooks import changed, instance, refused
from tests.receivers import secret
from tests.world import picture


def finished(world, **fields):
    job_id = world.post(**fields).get_json()["id"]
    world.run(ticks=60)
    return world.job(job_id)


# Answers that redirect to what is no link


ODD_TARGETS = ["http://[::1", "//[", "\udcff\udcfe"]


@pytest.mark.parametrize("target", ODD_TARGETS)
@pytest.mark.parametrize("call", ["list", "get", "film"])
def test_a_redirect_to_no_link_is_an_answer_like_any_other(world, call, target):
    ways = {"list": "/tasks?", "get": "/tasks/", "film": "/results/"}
    left = {"times": 2}

    def hook(asked, send):
        response = send(asked)
        if ways[call] in asked.url and left["times"]:
            left["times"] -= 1
            response.status_code = 302
            response.headers["Location"] = target
        return response

    odd = instance(world, upstream=hook)
    job_id = world.post().get_json()["id"]
    for _ in range(30):
        if not odd.tick()["pending"]:
            break
        world.clock.advance(20)
    assert world.job(job_id)["status"] == "completed"
    assert len(world.paid()) == 1


# Films


@pytest.mark.parametrize("tail", [b"\n", b"\0\0\0\0", b"abc", b"\n" * 40])
def test_what_is_left_behind_a_whole_film_does_no_harm(make_world, make_film, tail):
    world = make_world(make=lambda _task: make_film() + tail)
    assert finished(world)["status"] == "completed"


def test_a_film_without_a_file_type_box_is_a_film(make_world, make_film):
    film = make_film()
    size = int.from_bytes(film[:4], "big")
    assert film[4:8] == b"ftyp"
    world = make_world(make=lambda _task: film[size:])
    assert finished(world)["status"] == "completed"


def test_a_hosts_bad_hour_loses_no_film(world):
    """It sends a page instead of the film for an hour, each time as a whole."""
    until = world.clock.now() + 60 + 3600

    def hook(asked, send):
        if "/results/" in asked.url and world.clock.now() < until:
            return refused(asked, 200, b"<html>busy</html>")
        return send(asked)

    service = instance(world, upstream=hook)
    job_id = world.post().get_json()["id"]
    for _ in range(120):
        if not service.tick()["pending"]:
            break
        world.clock.advance(30)
    assert world.job(job_id)["status"] == "completed"


# Clocks


@pytest.mark.parametrize("off_s", [400, -400, 1e7])
def test_two_answers_with_a_wrong_date_lock_nobody(world, off_s):
    """Whatever said so: as long as nothing is sent, the upstream is asked what time it is."""
    left = {"times": 2}

    def hook(asked, send):
        response = send(asked)
        if left["times"] and "/tasks" in asked.url:
            left["times"] -= 1
            response.headers["Date"] = formatdate(world.clock.now() + off_s, usegmt=True)
        return response

    service = instance(world, upstream=hook)
    for _ in range(2):
        service.context.upstreams["singapore"].get("nobodys")
    job_id = world.post(prompt="it waits").get_json()["id"]
    for _ in range(30):
        if not service.tick()["pending"]:
            break
        world.clock.advance(20)
    assert world.job(job_id)["status"] == "completed"


def test_another_hosts_date_says_nothing_of_the_upstreams_clock(make_world):
    world = make_world(env={"FRAME_DELIVERY": "upload"})

    def hook(asked, send):
        response = send(asked)
        if asked.url.endswith("/oss/") or "/oss" in asked.url:
            response.headers["Date"] = formatdate(world.clock.now() + 1e7, usegmt=True)
        return response

    service = instance(world, upstream=hook)
    job_id = world.post().get_json()["id"]
    for _ in range(12):
        service.tick()
        world.clock.advance(20)
    assert service.context.upstreams["singapore"].clock.off_s < 10
    assert world.job(job_id)["status"] == "completed"


@pytest.mark.parametrize("stands_at", [0.0, -3600.0])
def test_a_tick_ends_though_the_buckets_date_stands_still(world, stands_at):
    date = formatdate(world.clock.now() + stands_at, usegmt=True)

    def storage(asked, send):
        response = send(asked)
        response.headers["Date"] = date
        return response

    service = instance(world, storage=storage)
    world.post()
    began = world.clock.now()
    service.tick()
    assert world.clock.now() - began < 50 + 20


# Ids, times and names that no task has


@pytest.mark.parametrize("odd", ["  ", "../../x", "a b", "x" * 200, "²"])
def test_a_create_that_answers_an_odd_id_is_a_lost_answer(world, odd):
    world.post(prompt="before the story")
    world.run()
    world.clock.advance(400)
    left = {"times": 1}

    def hook(asked, send):
        response = send(asked)
        if not asked.url.endswith("video-synthesis") or not left["times"]:
            return response
        left["times"] -= 1
        return changed(response, lambda data: data["output"].__setitem__("task_id", odd))

    service = instance(world, upstream=hook)
    frames = {"first_frame": picture(), "last_frame": picture(color=(200, 60, 30))}
    made = submit(service.context, "local", VideoRequest.parse({**frames, "prompt": "lost"}))
    world.run(ticks=40)
    assert world.job(made.job.intent.id)["status"] == "completed"
    assert len(world.paid()) == 2
    assert not [name for name in world.names("claims/") if odd in name]


# Stored objects


def spoilt(world, change):
    job_id = world.post(prompt="spoilt").get_json()["id"]
    blob = world.bucket.get_blob(f"pending/local/{job_id}.json")
    body = json.loads(blob.download_as_bytes())
    change(body)
    metadata = blob.metadata
    fresh = world.bucket.blob(blob.name)
    fresh.metadata = metadata
    fresh.upload_from_string(json.dumps(body))
    return job_id


def test_half_a_character_in_a_stored_text_is_one_unreadable_object(world):
    job_id = spoilt(world, lambda body: body["request"].__setitem__("prompt", "\ud800"))
    other = world.post(prompt="an innocent").get_json()["id"]
    assert world.client.get(f"/v1/videos/{job_id}").status_code == 503
    listed = world.client.get("/v1/videos")
    assert listed.status_code == 200
    assert [job["id"] for job in listed.get_json()["data"]] == [other]
    world.clock.advance(70)
    assert world.tick()["unreadable"] == 1


def test_a_stored_address_that_is_no_link_holds_up_nothing(make_world):
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [secret()]})})
    job_id = spoilt(world, lambda body: body["request"].__setitem__("webhook_url", "http://[::1"))
    world.run(ticks=40)
    assert world.job(job_id)["status"] == "completed"
    assert world.names("pending/") == []


def test_a_task_id_that_can_stand_in_no_path_is_not_asked_for(world):
    job_id = world.post().get_json()["id"]
    blob = world.bucket.get_blob(f"pending/local/{job_id}.json")
    blob.metadata = {**blob.metadata, "task_id": "../../x y"}
    blob.patch()
    world.clock.advance(100)
    assert world.tick()["unreadable"] == 1
    assert not [one for one in world.upstream.tasks if one.id == "../../x y"]


def test_times_of_two_clocks_do_not_contradict_each_other(world):
    def hook(asked, send):
        response = send(asked)
        if "/tasks/" not in asked.url:
            return response

        def earlier(data):
            for name in ("submit_time", "scheduled_time"):
                if name in data["output"]:
                    data["output"][name] = "2026-05-28 04:26:00.000"

        return changed(response, earlier)

    service = instance(world, upstream=hook)
    job_id = world.post().get_json()["id"]
    for _ in range(5):
        service.tick()
        world.clock.advance(20)
    job = world.job(job_id)
    assert job["status"] == "completed"
    assert job["started_at"] >= job["created_at"]
