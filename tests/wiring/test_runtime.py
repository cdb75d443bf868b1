"""The world of this process: its clock, its sessions, its tokens."""

from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.wiring import runtime


def test_an_emulator_that_is_gone_is_trouble_of_a_moment(make_world):
    """Its clock is asked before anything else: no crash, the same 503 as for its bucket."""
    world = make_world(env={"EMULATOR_CLOCK_URL": "http://127.0.0.1:9/emulator/clock"})
    clock = runtime.real(world.config).now
    path = f"/v1/videos/{world.post().get_json()['id']}"
    answer = Client(Request.application(world.instance(now=clock).api)).get(path)
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "storage_unavailable"
