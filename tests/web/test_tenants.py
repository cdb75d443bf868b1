"""An owner sees only what is theirs: the whole route table, by everybody (`tenant_matrix`)."""

import hashlib

import pytest

from lib.adapters.state.jobs import Jobs
from lib.core.errors import FORBIDDEN, ApiError
from lib.flows import read
from lib.web.native import videos
from tests.conftest import film
from tests.web import tenant_matrix
from tests.web.tenant_matrix import COMPAT, FIRST, ROWS, Tenants, calls, order, play
from tests.web.test_bad_input import URI

GET = ("GET", "/v1/videos/{id}")


def test_every_call_of_the_service_has_a_row(world):
    table = calls(world.service)
    assert [call for call in table if call not in ROWS] == []
    assert len(set(table)) == len(table) >= 14


def test_no_call_tells_anybody_but_the_owner_anything(world):
    told = {call: wrong for call in calls(world.service) if (wrong := play(film, call)[1])}
    assert told == {}


# The matrix can fail: each guard taken away is seen.


def test_the_matrix_sees_a_read_that_forgets_the_owner(monkeypatch):
    found = read.find
    monkeypatch.setattr(
        videos, "find", lambda context, _owner, job_id: found(context, "alice", job_id)
    )
    _, wrong = play(film, GET)
    assert any("leaks" in text and "the prompt of alice" in text for text in wrong)
    assert any("told apart" in text for text in wrong)


def test_the_matrix_sees_an_answer_that_admits_that_a_job_exists(monkeypatch):
    found = read.find

    def honest(context, owner, job_id):
        if owner == "bob" and found(context, "alice", job_id):
            raise ApiError(FORBIDDEN, "This job is not yours.")
        return found(context, owner, job_id)

    monkeypatch.setattr(videos, "find", honest)
    said, wrong = play(film, GET)
    assert said["other"] == "403 # none"
    assert wrong


def test_the_matrix_sees_a_bucket_that_is_asked_more_for_a_job_that_exists(monkeypatch):
    found = Jobs.find

    def curious(self, owner, job_id):
        if owner == "bob":
            found(self, "alice", job_id)
        return found(self, owner, job_id)

    monkeypatch.setattr(Jobs, "find", curious)
    assert any("told apart" in text for text in play(film, GET)[1])


def test_the_matrix_sees_a_call_that_needs_no_key(monkeypatch):
    monkeypatch.setitem(tenant_matrix.ROWS, ("GET", "/health"), ROWS[("GET", "/v1/models")])
    assert any("expected 401" in text for text in play(film, ("GET", "/health"))[1])


# What no single call shows


@pytest.fixture
def tenants():
    return Tenants(film)


def test_one_idempotency_key_of_two_owners_makes_two_jobs(tenants):
    same = {"Idempotency-Key": "the-same-key"}
    answer = tenants.send("POST", "/v1/videos", "bob", json=order(), headers=same)
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer.headers
    assert answer.get_json()["id"] != tenants.job


def test_the_same_request_of_two_owners_makes_two_jobs(tenants):
    made = [
        tenants.send("POST", "/v1/videos", who, json=order()).get_json()["id"]
        for who in ("alice", "bob")
    ]
    assert len({tenants.job, *made}) == 3
    mine = tenants.send("GET", f"{COMPAT}/tasks", "bob").get_data(as_text=True)
    assert made[1] in mine
    assert not any(job in mine for job in (tenants.job, made[0]))


@pytest.mark.parametrize(
    "name", ["frames/alice/{job}/{hash}.png", "videos/alice/{job}.mp4", "jobs/alice/{job}.json"]
)
def test_anothers_objects_are_no_frames_of_mine(tenants, name):
    mine = name.format(job=tenants.job, hash=hashlib.sha256(FIRST).hexdigest())
    bucket = tenants.world.bucket.name
    said = []
    for target in (mine, mine.replace(tenants.job, tenant_matrix.MISSING)):
        body = {"first_frame": f"gs://{bucket}/{target}", "last_frame": URI}
        answer = tenants.send("POST", "/v1/videos", "bob", json=body)
        assert 400 <= answer.status_code < 500
        said.append(tenant_matrix.comparable(answer, tenants.job, tenant_matrix.MISSING))
    assert said[0] == said[1]
    assert tenants.world.names("pending/bob/") == []


@pytest.mark.parametrize(
    "job",
    [
        "../alice/{job}",
        "%2e%2e%2falice%2f{job}",
        "..%2Falice%2F{job}",
        "{job}%00",
        "{job}.json",
        "{job}/",
        "{JOB}",
    ],
)
def test_no_spelling_of_an_id_leads_to_another_owners_job(tenants, job):
    path = f"/v1/videos/{job.format(job=tenants.job, JOB=tenants.job.upper())}"
    answer = tenants.send("GET", path, "bob")
    assert answer.status_code in {401, 404}
    assert tenant_matrix.leaks(answer, tenants.secrets(), tenants.job) == []


@pytest.mark.parametrize("actor", ["", "wrong", "bob"])
def test_every_answer_carries_its_request_id(tenants, actor):
    for method, path in [*calls(tenants.world.service), ("GET", "/nowhere"), ("BREW", "/health")]:
        answer = tenants.send(method, path.replace("{id}", tenants.job), actor)
        assert len(answer.headers["x-request-id"]) >= 16
        given = {"X-Request-Id": "mine-4711"}
        if not path.startswith(COMPAT):
            echoed = tenants.send(method, path.replace("{id}", tenants.job), actor, headers=given)
            assert echoed.headers["x-request-id"] == "mine-4711"
