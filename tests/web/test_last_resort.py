"""The last resort: whatever breaks, the answer is JSON, the log has it, and nothing of it leaks."""

import base64
import json

from tests.world import picture

GOOD = picture()


URI = "data:image/png;base64," + base64.b64encode(GOOD).decode()


BASE = {"first_frame": URI, "last_frame": URI, "prompt": "rain"}


def test_a_crash_is_json_logged_and_says_nothing_of_itself(make_world, capsys):
    world = make_world()
    world.service.api.routes[0].answer.__self__._context = None
    answer = world.client.post("/v1/videos", json=BASE)
    body = json.loads(answer.data)
    assert answer.status_code == 500
    assert body["error"]["code"] == "internal_error"
    assert "NoneType" not in answer.text
    assert "AttributeError" in "".join(capsys.readouterr())
