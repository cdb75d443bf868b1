"""The list: pages without gaps or doubles while jobs move, and what a query may say."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.core.jobs.job import Status


def get(world, **query):
    return world.client.get("/v1/videos", query_string=query)


def walk(world, limit, between=lambda: None, **query):
    """Every id of the list, page by page, something happening between two pages."""
    ids, after = [], {}
    while True:
        page = get(world, limit=limit, **after, **query).get_json()
        ids += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            return ids
        after = {"after": page["last_id"]}
        between()


def make(world, count, prompt="rain"):
    made = []
    for number in range(count):
        made.append(world.post(prompt=f"{prompt} {number}").get_json()["id"])
        world.clock.advance(1)
    return made


@pytest.fixture
def seven(make_world):
    """A world in which some jobs have ended, some run and some wait."""
    world = make_world(draw=lambda: (1.0, 30.0))
    ended = make(world, 3)
    world.run(ticks=30)
    return world, ended + make(world, 4, "snow")


def test_live_and_finished_are_one_list_newest_first(seven):
    world, made = seven
    page = get(world).get_json()
    assert page["object"] == "list"
    assert [row["id"] for row in page["data"]] == made[::-1]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[-1], made[0], False)
    assert {row["status"] for row in page["data"]} == {"completed", "in_progress", "queued"}
    for row in page["data"]:
        assert row == world.job(row["id"])


def test_the_list_begins_empty(world):
    page = get(world).get_json()
    assert page == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@given(limit=st.integers(1, 8), order=st.sampled_from(["asc", "desc"]), pause_s=st.integers(0, 90))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_have_no_gaps_and_no_doubles_while_jobs_move(make_world, limit, order, pause_s):
    world = make_world(draw=lambda: (1.0, 30.0))
    made = make(world, 5)

    def between():
        world.clock.advance(pause_s)
        world.tick()

    found = walk(world, limit, between, order=order)
    assert found == (made if order == "asc" else made[::-1])


def test_a_job_that_is_made_or_deleted_between_two_pages_disturbs_no_other(seven):
    world, made = seven
    world.run(ticks=60)
    steps = iter([lambda: make(world, 1, "new"), lambda: world.client.delete(path(made[3]))])

    def between():
        next(steps, lambda: None)()

    found = walk(world, 2, between)
    assert [job for job in made[::-1] if job != made[3]] == [job for job in found if job != made[3]]


def path(job_id):
    return f"/v1/videos/{job_id}"


@pytest.mark.parametrize("status", list(Status))
def test_a_status_filters(seven, status):
    world, made = seven
    world.client.post(f"/v1/videos/{made[-1]}/cancel")
    expected = [job for job in made[::-1] if world.job(job)["status"] == status]
    assert walk(world, 1, status=status) == expected


def test_several_statuses_are_one_filter(seven):
    world, made = seven
    with_commas = get(world, status="completed,queued").get_json()["data"]
    repeated = world.client.get("/v1/videos?status=completed&status=queued").get_json()["data"]
    assert with_commas == repeated
    assert {row["status"] for row in repeated} == {"completed", "queued"}
    assert len(repeated) < len(made)


def test_another_owners_cursor_is_only_a_place_in_the_order(seven):
    world, made = seven
    after = "vid_" + "0" * 27
    assert [row["id"] for row in get(world, after=after).get_json()["data"]] == made[::-1]
