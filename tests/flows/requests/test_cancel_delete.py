"""Cancel, delete and list as an owner meets them, and what a late tick may not do."""

import pytest


def call(world, method, path, **options):
    answer = getattr(world.client, method)(path, **options)
    return answer.status_code, answer.get_json()


def ended(world, **fields):
    """A job that ran to its end."""
    job_id = world.post(**fields).get_json()["id"]
    world.run()
    return job_id


def test_a_queued_job_is_cancelled_at_once_and_never_paid(make_world):
    world = make_world(overflow="refuse")
    jobs = [world.post().get_json()["id"] for _ in range(4)]
    status, job = call(world, "post", f"/v1/videos/{jobs[3]}/cancel")
    assert (status, job["status"], job["usage"]["paid"]) == (200, "cancelled", False)
    world.run(ticks=40)
    assert world.job(jobs[3])["status"] == "cancelled"
    assert len(world.paid()) == 3
    # Twice is once.
    assert call(world, "post", f"/v1/videos/{jobs[3]}/cancel")[0] == 200


def test_a_task_that_is_pending_upstream_is_cancelled_there(make_world):
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    job_id = world.post().get_json()["id"]
    status, job = call(world, "post", f"/v1/videos/{job_id}/cancel")
    assert (status, job["status"], job["usage"]["paid"]) == (200, "cancelled", False)
    assert [task.status for task in world.paid()] == ["CANCELED"]
    assert world.names("pending/") == []


def test_a_task_that_runs_upstream_is_not_cancelled_and_goes_on(world):
    job_id = world.post().get_json()["id"]
    world.clock.advance(20)
    status, problem = call(world, "post", f"/v1/videos/{job_id}/cancel")
    assert (status, problem["error"]["code"]) == (409, "conflict")
    assert problem["error"]["upstream_code"] == "UnsupportedOperation"
    world.run()
    assert world.job(job_id)["status"] == "completed"
    status, problem = call(world, "post", f"/v1/videos/{job_id}/cancel")
    assert (status, problem["error"]["code"]) == (409, "conflict")


def test_a_send_whose_outcome_is_unknown_cannot_be_cancelled(world):
    world.upstream.faults.add(operation="create", kind="drop", when="after", times=1)
    job_id = world.post().get_json()["id"]
    answer = world.client.post(f"/v1/videos/{job_id}/cancel")
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "60")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancel_whose_answer_is_lost_says_so_and_the_tick_finds_out(make_world, when):
    world = make_world(overflow="queue", draw=lambda: (500.0, 60.0))
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="cancel", kind="drop", when=when, times=1)
    world.upstream.faults.add(operation="get", kind="drop", times=1)
    status, problem = call(world, "post", f"/v1/videos/{job_id}/cancel")
    assert (status, problem["error"]["code"]) == (503, "upstream_unavailable")
    for _ in range(15):
        world.clock.advance(60)
        world.tick()
    assert world.job(job_id)["status"] == ("completed" if when == "before" else "cancelled")


def test_delete_takes_video_frames_and_record_and_a_key_stays_burnt(world):
    job_id = world.post(headers={"Idempotency-Key": "k"}).get_json()["id"]
    status, problem = call(world, "delete", f"/v1/videos/{job_id}")
    assert (status, problem["error"]["code"]) == (409, "conflict")
    world.run()
    assert call(world, "delete", f"/v1/videos/{job_id}")[0] == 200
    assert [name for name in world.names() if not name.startswith(("keys/", "claims/", "gates/"))]
    assert world.names("videos/") == world.names("frames/") == []
    assert call(world, "get", f"/v1/videos/{job_id}")[0] == 404
    world.clock.advance(1000)
    world.tick()
    assert world.names("pending/") == []
    # Idempotent, and the key's replay is refused without a send.
    assert call(world, "delete", f"/v1/videos/{job_id}")[0] == 200
    assert world.post(headers={"Idempotency-Key": "k"}).status_code == 410
    assert len(world.paid()) == 1
    assert call(world, "delete", "/v1/videos/vid_" + "0" * 27)[0] == 404


def test_a_delete_that_dies_after_its_tombstone_is_finished_by_the_tick(world):
    job_id = ended(world)
    world.storage.faults.add(method="DELETE", object="videos/*", status=503, times=5)
    assert call(world, "delete", f"/v1/videos/{job_id}")[0] == 503
    assert world.names("videos/") != []
    assert call(world, "get", f"/v1/videos/{job_id}")[0] == 404
    world.tick()
    assert world.names("videos/") == world.names("frames/") == []


def test_a_film_stored_after_its_delete_is_swept_away(world):
    job_id = ended(world)
    (video,) = world.names("videos/")
    content = world.bucket.blob(video).download_as_bytes()
    call(world, "delete", f"/v1/videos/{job_id}")
    world.tick()
    # A process that stood still for minutes writes its film now, and dies.
    world.bucket.blob(video).upload_from_string(content)
    assert world.tick()["pending"] == 1
    assert call(world, "get", "/v1/videos/" + job_id)[0] == 404
    world.clock.advance(1000)
    world.tick()
    assert world.names("videos/") == world.names("pending/") == []


def test_a_delete_that_dies_before_its_tombstone_leaves_the_job_as_it_was(world):
    job_id = ended(world)
    world.storage.faults.add(method="POST", object="jobs/*", status=503, times=5)
    assert call(world, "delete", f"/v1/videos/{job_id}")[0] == 503
    world.tick()
    assert world.job(job_id)["status"] == "completed"
    world.clock.advance(1000)
    world.tick()
    assert world.names("pending/") == []
    assert world.job(job_id)["status"] == "completed"


def test_a_read_between_two_ticks_looks_once_and_brings_the_film(world):
    job_id = world.post().get_json()["id"]
    world.clock.advance(200)
    assert world.job(job_id)["status"] == "completed"
    assert world.upstream.counts["list"] == world.upstream.counts["get"] == 1


def test_fifty_watchers_ask_the_upstream_no_more_than_one(make_world):
    world = make_world(draw=lambda: (1.0, 400.0))
    job_id = world.post().get_json()["id"]
    world.clock.advance(100)
    lists = world.upstream.counts["list"]
    for _ in range(60):
        for _ in range(10):
            world.job(job_id)
        world.clock.advance(1)
    assert world.upstream.counts["list"] - lists <= 12
    assert world.upstream.counts["get"] == 0


def test_two_overlapping_ticks_share_one_watch(make_world):
    world = make_world(draw=lambda: (1.0, 5000.0))
    world.post()
    world.clock.advance(100)
    held = world.context.ledger.poll_lease("singapore")
    now = world.clock.now()
    assert world.context.ledger.move_poll_lease(held, "0" * 16, until=now + 40)
    before = world.upstream.counts["list"]
    world.tick()
    # The other's turn lasts 40 of this tick's 50 seconds.
    assert world.upstream.counts["list"] - before <= 3


def test_a_revoked_key_is_shown_as_the_reason_and_passes(make_world):
    world = make_world(draw=lambda: (1.0, 200.0))
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="list", kind="key", times=99)
    world.upstream.faults.add(operation="get", kind="key", times=99)
    world.clock.advance(100)
    world.tick()
    assert world.job(job_id)["waiting_for"] == "upstream_auth"
    world.upstream.faults.clear()
    world.run(ticks=40)
    assert world.job(job_id)["status"] == "completed"
