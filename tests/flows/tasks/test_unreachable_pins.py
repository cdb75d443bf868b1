"""A job stays where it was sent: what happens when the configuration no longer leads there."""

import json

import pytest

from tests.world import UPSTREAM


def account(name, region):
    return {
        "name": name,
        "region": region,
        "api_key": f"sk-local-{region}",
        "base_url": f"{UPSTREAM}/{region}/api/v1",
        "delivery": "link",
    }


BOTH = [account("first", "singapore"), account("second", "beijing")]
REMOVED = {"DASHSCOPE_ACCOUNTS": json.dumps(BOTH[:1])}
OTHER = {**account("second", "singapore"), "api_key": "sk-local-other"}
MOVED = {"DASHSCOPE_ACCOUNTS": json.dumps([BOTH[0], OTHER])}
BACK = {"DASHSCOPE_ACCOUNTS": json.dumps(BOTH)}


@pytest.fixture
def stranded(make_world):
    """A world and the ids of its jobs in `second`: one runs, one is in doubt, one waits."""
    world = make_world(env=BACK, draw=lambda: (1.0, 600.0))

    def of_second(stage):
        found = [one for one in world.context.jobs.pending() if one.state.account == "second"]
        return [one.id for one in found if one.state.stage == stage]

    while not of_second("running"):
        world.post()
        world.clock.advance(2)
    world.upstream.faults.add(
        operation="create", kind="drop", when="after", region="beijing", times=1
    )
    while not of_second("unsure"):
        world.post()
        world.tick()
    while not of_second("queued"):
        world.post()
    return world, of_second("running")[0], of_second("unsure")[0], of_second("queued")[0]


@pytest.mark.parametrize("change", [REMOVED, MOVED], ids=["removed", "moved"])
def test_jobs_wait_visibly_and_go_on_when_their_account_is_back(stranded, change):
    world, running, unsure, queued = stranded
    world.deploy(change)
    for _ in range(6):
        world.tick()
        world.clock.advance(60)
    assert world.job(running)["status"] == "in_progress"
    assert world.job(running)["waiting_for"] == "not_configured"
    assert world.job(unsure)["status"] == "queued"
    if change is REMOVED:
        assert world.job(queued)["waiting_for"] == "not_configured"
    world.deploy(BACK)
    world.run(ticks=60)
    assert {world.job(one)["status"] for one in stranded[1:]} == {"completed"}
    links = [task.body["input"]["first_frame_url"] for task in world.paid()]
    assert [sum(one in link for link in links) for one in stranded[1:]] == [1, 1, 1]


def test_an_owner_sees_them_and_is_told_why_they_cannot_be_cancelled(stranded):
    world, running, _unsure, _queued = stranded
    world.deploy(REMOVED)
    world.clock.advance(300)
    assert world.client.get(f"/v1/videos/{running}").status_code == 200
    answer = world.client.post(f"/v1/videos/{running}/cancel")
    assert answer.status_code == 503
    assert "second" in answer.get_json()["detail"]


def test_after_the_day_of_their_films_they_end_and_say_so(stranded):
    world, running, unsure, queued = stranded
    world.deploy(REMOVED)
    for _ in range(27):
        world.clock.advance(3600)
        world.tick()
    assert world.job(running)["status"] == "expired"
    assert world.job(running)["usage"]["paid"] is None
    assert world.job(unsure)["error"]["code"] == "submit_unknown"
    assert world.job(queued)["status"] == "expired"
    assert world.names("pending/") == []
