"""The app that the scheduler calls: a POST is one tick, for whoever may."""

import json

from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.web.auth import digest

KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}


CLOSED = {"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)}


def poll(world, **headers):
    return Client(Request.application(world.service.poll)).post("/", headers=headers)


def test_a_tick_is_a_post_by_somebody_who_may(make_world):
    shut = make_world(env=CLOSED)
    assert poll(shut).status_code == 503
    named = make_world(env={**CLOSED, "POLL_AUDIENCE": "https://poll", "POLL_INVOKER": "s@x"})
    assert poll(named).status_code == 401
    assert poll(named, Authorization="Bearer not.a.token").status_code == 401
    opened = make_world()
    assert poll(opened).get_json()["object"] == "tick"
    assert Client(Request.application(opened.service.poll)).get("/").headers["Allow"] == "POST"
