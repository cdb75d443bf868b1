"""Webhooks as receivers check them that people already run: openai-python's and Replicate's."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.clients.sdks import STORE
from tests.receivers import PLACE, secret
from tests.world import START

pytestmark = pytest.mark.clients

NEW, OLD, WRONG = secret("n"), secret("o"), secret("x")
CHECK = Path(__file__).with_name("webhook_check.mjs")


@pytest.fixture
def heard(make_world):
    """One webhook as it really arrived, now: receivers refuse what is five minutes old."""
    world = make_world(env={"WEBHOOK_SECRETS": json.dumps({"local": [NEW, OLD]})})
    world.clock.advance(time.time() - START - 120)
    ids = [
        world.post(webhook_url=f"{PLACE}/ok/x", prompt=prompt).get_json()["id"]
        for prompt in ("rain", "rain #moderation")
    ]
    world.run()
    return {job_id: world.receivers.of(job_id)[0] for job_id in ids}


def test_openai_unwraps_both_endings_with_either_secret(openai, heard):
    with openai.OpenAI(api_key="unused") as client:
        for (job_id, one), kind in zip(
            heard.items(), ("video.completed", "video.failed"), strict=True
        ):
            for known in (NEW, OLD):
                event = client.webhooks.unwrap(one.body, one.headers, secret=known)
                assert (event.id, event.object, event.type) == (one.id, "event", kind)
                assert event.data.id == job_id
                assert event.created_at == pytest.approx(one.at, abs=90)
            with pytest.raises(openai.InvalidWebhookSignatureError):
                client.webhooks.unwrap(one.body, one.headers, secret=WRONG)
            with pytest.raises(openai.InvalidWebhookSignatureError):
                client.webhooks.unwrap(one.body + b" ", one.headers, secret=NEW)


def test_replicate_validates_them_with_either_secret(heard):
    letters = []
    for one in heard.values():
        named = {name: one.headers[name] for name in one.headers if name.startswith("webhook-")}
        for body, known in ((one.body, NEW), (one.body, OLD), (one.body, WRONG), (b"{}", NEW)):
            letters.append({"headers": named, "body": body.decode(), "secret": known})
    ran = subprocess.run(
        [shutil.which("node"), CHECK],
        input=json.dumps(letters),
        env={**os.environ, "PACKAGES": str(STORE / "node")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["true", "true", "false", "false"] * 2
