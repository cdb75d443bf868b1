"""What a DELETE leaves behind is cleared by ticks, until nobody can be late any more."""


def call(world, method, path, **options):
    answer = getattr(world.client, method)(path, **options)
    return answer.status_code, answer.get_json()


def ended(world, **fields):
    """A job that ran to its end."""
    job_id = world.post(**fields).get_json()["id"]
    world.run()
    return job_id


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
