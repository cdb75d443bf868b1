"""A DELETE takes everything with it, or leaves the job as it was."""


def call(world, method, path, **options):
    answer = getattr(world.client, method)(path, **options)
    return answer.status_code, answer.get_json()


def ended(world, **fields):
    """A job that ran to its end."""
    job_id = world.post(**fields).get_json()["id"]
    world.run()
    return job_id


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
