"""Conditional reads, numbered tries, the film and its frames: as a frontend meets them."""


def call(world, method, path, **options):
    return getattr(world.client, method)(f"/v1/videos/{path}", **options)


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


# The film and its frames


def test_content_redirects_to_the_film_and_its_frames(world):
    job = world.post().get_json()["id"]
    early = world.client.get(f"/v1/videos/{job}/content")
    assert (early.status_code, early.get_json()["error"]["code"]) == (409, "not_ready")
    assert early.headers["Retry-After"]
    world.run()
    for variant in ("video", "first_frame", "last_frame"):
        answer = world.client.get(f"/v1/videos/{job}/content?variant={variant}")
        assert answer.status_code == 302
        assert world.session().get(answer.headers["Location"]).status_code == 200
