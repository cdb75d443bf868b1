"""What a caller without a key costs: no access to the bucket, no byte of a body, and a few lines of log a minute."""

import io
import json
import re
import socket

import pytest
from werkzeug.test import EnvironBuilder

from lib.web import last_resort
from lib.web.auth import digest
from lib.web.last_resort import RefusalLog

KEYS = json.dumps({"alice": [f"s:{digest('s', 'key')}"]})
CALLERS = {
    "no key": {},
    "a wrong key": {"Authorization": "Bearer ib_wrong"},
    "another scheme": {"Authorization": "Basic a2V5"},
    "no such token": {"Authorization": "Bearer a.b.c"},
    "a huge key": {"Authorization": "Bearer " + "k" * 7000},
    "huge headers": {f"X-{number}": "v" * 7000 for number in range(50)},
    "a key elsewhere": {"Cookie": "key=key", "X-Api-Key": "key", "Idempotency-Key": "k"},
}
# `/ready` asks the bucket at most once in ten seconds, whoever calls.
ASKS_THE_BUCKET = {"/ready"}


@pytest.fixture
def closed(make_world):
    return make_world(env={"AUTH": "on", "OWNER_KEYS": KEYS})


class Unread(io.BytesIO):
    """A body of which every read is noticed."""

    def __init__(self):
        super().__init__(b"-" * 1000)
        self.reads = 0

    def read(self, *args):
        self.reads += 1
        return super().read(*args)

    def readline(self, *args):
        self.reads += 1
        return super().readline(*args)


def calls(world):
    """Every call of both dialects, and paths that no call has."""
    routes = [*world.service.api.routes, *world.service.api._compat.routes]
    found = {(route.method, re.sub(r"\{\w+\}", "vid_0", route.path)) for route in routes}
    return sorted(
        {*found, ("POST", "/v1/nowhere"), ("PUT", "/v1/videos"), ("OPTIONS", "/v1/videos")}
    )


def sent(world, method, path, headers, kind="application/json"):
    """One request, as the server's socket would show it; the status and how often its body was read."""
    builder = EnvironBuilder(method=method, path=path, headers=headers)
    environ, body = builder.get_environ(), Unread()
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": "1000", "CONTENT_TYPE": kind}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with world.client.open({**environ, "werkzeug.socket": ours}) as answer:
            status = answer.status_code
        return status, body.reads


def asked_of_the_bucket(world):
    """How many requests the bucket has had."""
    return sum(world.storage.traffic.counts().values())


@pytest.mark.parametrize("headers", CALLERS.values(), ids=CALLERS)
def test_no_call_of_a_stranger_reaches_the_bucket_or_the_upstream(closed, headers):
    found = calls(closed)
    assert len(found) > 20
    for method, path in found:
        before, asked = asked_of_the_bucket(closed), sum(closed.upstream.counts.values())
        status, reads = sent(closed, method, path, headers)
        assert (path, reads) == (path, 0)
        if path not in ASKS_THE_BUCKET:
            assert (path, asked_of_the_bucket(closed)) == (path, before)
        assert sum(closed.upstream.counts.values()) == asked
        assert status < 500


def test_a_stranger_s_ready_is_asked_of_the_bucket_once_in_ten_seconds(closed):
    before = asked_of_the_bucket(closed)
    for _ in range(20):
        assert closed.client.get("/ready").status_code == 200
    assert asked_of_the_bucket(closed) <= before + 1


def test_forms_without_a_policy_reach_no_bucket(closed):
    before = asked_of_the_bucket(closed)
    data = dict.fromkeys(
        ("OSSAccessKeyId", "Signature", "policy", "key", "success_action_status"), "x"
    )
    for _ in range(5):
        form = {**data, "file": (io.BytesIO(b"x"), "a.png")}
        assert closed.client.post("/api/v1/uploads", data=form).status_code == 403
    assert asked_of_the_bucket(closed) == before


def test_a_flood_of_strangers_is_counted_and_an_owner_is_told_each_time(closed, capsys):
    for _ in range(300):
        assert closed.client.get("/v1/videos").status_code == 401
    lines = [line for line in capsys.readouterr().out.splitlines() if '"request.refused"' in line]
    assert len(lines) == last_resort.TOLD_AT_MOST
    for _ in range(30):
        known = {"Authorization": "Bearer key"}
        assert closed.client.get("/v1/videos?limit=x", headers=known).status_code == 400
    lines = [line for line in capsys.readouterr().out.splitlines() if '"request.refused"' in line]
    assert len(lines) == 30


def test_what_was_only_counted_is_told_in_the_next_span(capsys):
    now = [0.0]
    refusals = RefusalLog(lambda: now[0])
    for _ in range(1000):
        refusals.tell("unauthenticated", 401)
    refusals.tell("not_found", 404)
    assert len(capsys.readouterr().out.splitlines()) == last_resort.TOLD_AT_MOST
    now[0] += last_resort.SPAN_S
    refusals.tell("unauthenticated", 401)
    counted, refused = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert counted["event"] == "refusals.untold"
    assert counted["codes"] == {"unauthenticated": 990, "not_found": 1}
    assert counted["count"] == 991
    assert refused["event"] == "request.refused"
