"""A read that finds a due task looks once itself, and asks the upstream no more than one."""


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
