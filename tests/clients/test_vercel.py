"""The Vercel AI SDK cannot make these films, with us or without: what it posts, word for word.

When a later release passes, these tests fail, and the row of infra/docs/openai.md is to be written anew.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from lib.emulator.server import Server
from tests.clients.sdks import STORE

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).with_name("vercel_video.mjs")
PATH = "/api/v1/services/aigc/video-generation/video-synthesis"
IGNORED = "This model does not support last_frame. The last frame image was ignored."
FIRST, LAST = "https://example.com/first.png", "https://example.com/last.png"


def ask(url, model, key="sk-any", **frames):
    """What `experimental_generateVideo` with both frames led to."""
    program = shutil.which("node")
    assert program, "this test needs Node: apt-get install nodejs npm"
    known = {"URL": url, "MODEL": model, "KEY": key, "PACKAGES": str(STORE / "node")}
    ran = subprocess.run(
        [program, SCRIPT],
        env={**os.environ, "FIRST": FIRST, "LAST": LAST, **known, **frames},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told.pop("versions") == ["2.0.58", "7.0.173"]
    return told


@pytest.fixture
def anybody():
    """A service that says yes to everything, and what it was posted."""
    posted = []

    @Request.application
    def app(request):
        output = {"task_id": "1", "task_status": "SUCCEEDED", "video_url": "https://example.com/1"}
        if request.method == "POST":
            posted.append((request.path, request.get_json()))
            output["task_status"] = "PENDING"
        answer = json.dumps({"output": output, "request_id": "1"})
        return Response(answer, content_type="application/json")

    with Server(app) as web:
        yield web.url, posted


@pytest.mark.parametrize("model", ["wan2.2-kf2v-flash", "wan2.1-kf2v-plus"])
def test_it_posts_a_prompt_and_neither_frame_to_the_path_of_other_models(anybody, model):
    url, posted = anybody
    told = ask(url, model)
    assert posted == [(PATH, {"model": model, "input": {"prompt": "rain"}, "parameters": {}})]
    warning = {"type": "unsupported", "feature": "frameImages", "details": IGNORED}
    assert told == {"videos": 1, "warnings": [warning]}  # the first frame goes without a word


def test_it_posts_both_frames_for_models_of_another_family(anybody):
    url, posted = anybody
    assert ask(url, "wan3.0-video")["warnings"] == []
    ((path, body),) = posted
    assert path == PATH
    assert [item["type"] for item in body["input"]["media"]] == ["first_frame", "last_frame"]


def test_nothing_is_paid_for_what_it_posts_to_us(make_target):
    target = make_target("api")
    told = ask(target.origin, "wan2.2-kf2v-flash", target.key, FIRST=target.first, LAST=target.last)
    assert told["error"] == "AI_APICallError"
    assert target.world.paid() == []
