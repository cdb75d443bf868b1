"""Cancel as an owner meets it: at once where nothing was paid, and never a guess."""

import pytest


def call(world, method, path, **options):
    answer = getattr(world.client, method)(path, **options)
    return answer.status_code, answer.get_json()


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
