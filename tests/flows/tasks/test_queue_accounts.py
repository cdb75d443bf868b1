"""Several upstream accounts: each job pinned to one for life, limits by account, keys never stored."""

import json

import pytest

from tests.world import UPSTREAM

ACCOUNTS = [
    {
        "name": name,
        "region": region,
        "api_key": f"sk-local-{region}",
        "base_url": f"{UPSTREAM}/{region}/api/v1",
        "delivery": "link",
    }
    for name, region in (("first", "singapore"), ("second", "beijing"))
]


@pytest.fixture
def two(make_world):
    return make_world(env={"DASHSCOPE_ACCOUNTS": json.dumps(ACCOUNTS)})


def test_jobs_spread_over_accounts_and_stay_where_they_were_sent(two):
    jobs = [two.post().get_json() for _ in range(6)]
    two.run(ticks=60)
    done = [two.job(job["id"]) for job in jobs]
    assert {job["status"] for job in done} == {"completed"}
    regions = [task.region for task in two.paid()]
    assert {"singapore", "beijing"} == set(regions)
    by_task = {task.id: task.region for task in two.paid()}
    for job in done:
        assert by_task[job["upstream"]["task_id"]] == job["upstream"]["region"]


def test_no_object_of_the_bucket_holds_an_upstream_key(two):
    two.post()
    two.post()
    seen = 0
    for _ in range(2):
        for blob in two.bucket.list_blobs():
            text = json.dumps(blob.metadata or {}).encode() + blob.download_as_bytes()
            assert b"sk-local" not in text, blob.name
            seen += 1
        two.run(ticks=40)
    assert seen > 10


def test_a_revoked_account_makes_its_jobs_wait_with_the_reason_and_the_other_goes_on(two):
    two.upstream.faults.add(operation="create", kind="key", region="singapore", times=10_000)
    jobs = [two.post().get_json()["id"] for _ in range(4)]
    for _ in range(10):
        two.tick()
        two.clock.advance(20)
    states = {two.job(job)["status"]: two.job(job)["waiting_for"] for job in jobs}
    assert states == {"completed": None, "queued": "upstream_auth"}
    two.upstream.faults.clear()
    two.run(ticks=60)
    assert {two.job(job)["status"] for job in jobs} == {"completed"}
    assert len(two.paid()) == 4


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("quota", "upstream_quota"), ("arrears", "upstream_quota"), ("unavailable", None)],
)
def test_what_is_not_the_jobs_fault_makes_it_wait_with_its_reason(world, kind, reason):
    known = world.post().get_json()["id"]
    world.run()
    world.clock.advance(400)
    world.upstream.faults.add(operation="create", kind=kind, times=10_000)
    job = world.post().get_json()["id"]
    for _ in range(10):
        world.tick()
        world.clock.advance(20)
    # A 503 to a create is ambiguous: the job is in doubt until the list has settled.
    assert world.job(job)["waiting_for"] in {reason, "upstream_unavailable"}
    assert world.job(job)["status"] == "queued"
    world.upstream.faults.clear()
    world.run(ticks=60)
    assert world.job(job)["status"] == world.job(known)["status"] == "completed"
    assert len(world.paid()) == 2


def test_retry_after_is_obeyed_to_the_second(world):
    """A 429 with Retry-After closes the account's gate for that long, for every instance."""
    gate = world.context.ledger.gate("singapore")
    assert gate.next_send == 0
    from lib.core import errors  # beside its only use
    from lib.core.upstream.outcomes import Refused
    from lib.flows.tasks.send import slow_down

    refused = Refused(
        errors.RATE_LIMITED, "Throttling", "", waits=True, limited=True, retry_after_s=37
    )
    slow_down(world.context, "singapore", refused)
    job = world.post().get_json()
    assert job["status"] == "queued"
    start = world.clock.now()
    world.tick()
    (task,) = world.paid()
    assert 37 <= task.submitted_at - start < 39


def test_an_owner_with_many_jobs_does_not_starve_one_with_a_single_one(world):
    from lib.core.request import VideoRequest  # beside its only use
    from lib.flows.requests.submit import submit
    from tests.world import picture

    fields = {"first_frame": picture(), "last_frame": picture(color=(9, 9, 9)), "prompt": "x"}
    request = VideoRequest.parse(fields)
    for _ in range(30):
        submit(world.context, "crowd", request)
    single = submit(world.context, "single", request).job.intent.id
    world.run(ticks=100)
    order = [task.body["input"]["first_frame_url"] for task in world.paid()]
    place = next(at for at, link in enumerate(order) if single in link)
    # Two went out at once; then the owners take turns.
    assert place <= 4
