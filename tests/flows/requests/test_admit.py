"""A request is judged in one order, whether it is to be made, looked at only, or made once more."""

import json
import re
from pathlib import Path

import pytest

from lib.emulator.storage.model.conditions import Conditions
from tests.receivers import PLACE, secret
from tests.world import BUCKET, UPSTREAM, picture

WITH_SECRET = {"WEBHOOK_SECRETS": json.dumps({"local": [secret("n")]})}
TO_BEIJING = {
    "DASHSCOPE_REGION": "beijing",
    "DASHSCOPE_API_KEY": "sk-local-beijing",
    "DASHSCOPE_BASE_URL": f"{UPSTREAM}/beijing/api/v1",
}
SMALL = picture(100, 100)
FIELDS = {"prompt": "rain #moderation", "webhook_url": f"{PLACE}/ok/x", "model": "wan2.1-kf2v-plus"}

# What is wrong, in the order of the checks: settings that make it so, and what is said then.
CHECKS = {
    "the address": ({"WEBHOOK_SECRETS": "{}"}, "webhook_url"),
    "the model": (TO_BEIJING, "model"),
    "the owner's limits": ({"OWNER_LIMITS": json.dumps({"*": {"jobs_per_day": 1}})}, None),
    "a frame": ({}, "first_frame"),
}
NAMES = list(CHECKS)
PAIRS = [(first, second) for n, first in enumerate(NAMES) for second in NAMES[n:]]


def spoil(world, job_id):
    """The frames that a job was made of are too small now."""
    for name in world.names(f"frames/local/{job_id}/"):
        stored = world.storage.store.buckets[BUCKET].objects[name]
        metadata = {"contentType": "image/png", "metadata": dict(stored.metadata)}
        world.storage.store.put(BUCKET, name, SMALL, metadata, Conditions({}))


def said(answer):
    error = answer.get_json()["error"]
    return answer.status_code, error["code"], error["param"], error["message"]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_same_bad_request_gets_the_same_error_from_all_three(make_world, first, second):
    world = make_world(env=WITH_SECRET)
    job_id = world.post(**FIELDS).get_json()["id"]
    world.run()
    assert world.job(job_id)["status"] == "failed"
    for name in {first, second}:
        world.deploy(CHECKS[name][0])
    small = "a frame" in {first, second}
    if small:
        spoil(world, job_id)
    frames = {"first": SMALL, "last": SMALL} if small else {}
    answers = [
        world.post(**FIELDS, **frames),
        world.post(**FIELDS, **frames, validate_only="true"),
        world.client.post(f"/v1/videos/{job_id}/retry"),
    ]
    made, looked_at, again = [said(answer) for answer in answers]
    assert made == looked_at == again
    assert made[2] == CHECKS[first][1], "the first check speaks"


@pytest.mark.parametrize(
    "check", ["check_address(", "check_resolution(", "limits.check(", "judged("]
)
def test_each_check_is_called_from_one_place(check):
    flows = Path(__file__).resolve().parents[3] / "lib" / "flows"
    calls = {
        path.name: len(re.findall(rf"(?<!def ){re.escape(check)}", path.read_text()))
        for path in flows.rglob("*.py")
    }
    assert {name: number for name, number in calls.items() if number} == {"admit.py": 1}
