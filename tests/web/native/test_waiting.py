"""A GET that waits: as long as asked and no longer, and only few at once."""

import threading

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request


def call(world, method, path, **options):
    return getattr(world.client, method)(f"/v1/videos/{path}", **options)


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
