"""Signatures as the Standard Webhooks specification has them, judged by its own reference package."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from lib.core import webhooks
from lib.core.jobs.job import FrameRef, Intent, Job, PlainRequest, Status, Verdict
from lib.core.webhooks import BadSecret, Secret
from tests.receivers import secret as webhook_secret

# The example of the specification's libraries.
KNOWN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDED = 1_780_000_123.75
FRAME = FrameRef("frames/alice/vid_x/a.png", "image/png", 640, 480, 9)


def job(status=Status.COMPLETED):
    intent = Intent(
        id="vid_" + "0" * 26 + "7",
        owner="alice",
        created_at=1_780_000_000.0,
        account="singapore",
        region="singapore",
        request=PlainRequest(
            model="m",
            resolution="720P",
            seconds=5,
            prompt="a secret thing",
            webhook_url="https://x.example/hook?token=secret",
        ),
        first=FRAME,
        last=FRAME,
        size=(640, 480),
    )
    return Job(intent, verdict=Verdict(status, ENDED))


def text_of(key):
    return "whsec_" + base64.b64encode(key).decode()


def test_the_known_example_of_the_libraries():
    headers = webhooks.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        [Secret.parse(KNOWN)],
        1614265330.9,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(key=st.binary(min_size=24, max_size=64), body=st.binary(max_size=300).map(bytes.hex))
def test_the_reference_package_accepts_every_signature_and_nothing_else(key, body):
    now = datetime.now(UTC).timestamp()
    sent = json.dumps(body).encode()
    headers = webhooks.headers("msg_1", sent, [Secret.parse(text_of(key))], now)
    assert Webhook(text_of(key)).verify(sent, headers) == body
    other = text_of(bytes([key[0] ^ 1]) + key[1:])
    for changed in (
        {"body": sent + b" "},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(now) + 1)},
        {"secret": other},
    ):
        theirs = {**headers, **{name: changed[name] for name in changed if name in headers}}
        with pytest.raises(WebhookVerificationError):
            Webhook(changed.get("secret", text_of(key))).verify(changed.get("body", sent), theirs)


def test_while_secrets_rotate_a_receiver_may_know_either():
    old, new = text_of(b"o" * 32), text_of(b"n" * 32)
    now = datetime.now(UTC).timestamp()
    headers = webhooks.headers("msg_1", b"{}", [Secret.parse(new), Secret.parse(old)], now)
    assert headers["webhook-signature"].count("v1,") == 2
    assert (
        headers["webhook-signature"].split()[0]
        == (webhooks.headers("msg_1", b"{}", [Secret.parse(new)], now)["webhook-signature"])
    )
    for secret in (old, new):
        assert Webhook(secret).verify(b"{}", headers) == {}


@pytest.mark.parametrize(
    "text",
    [
        "", "whsec_", KNOWN.removeprefix("whsec_"), KNOWN + "!", "whsec_" + "=" * 8, None, 7, [KNOWN],
        text_of(b"x" * 23), text_of(b"x" * 65), " " + KNOWN, KNOWN + "\n",
    ],
)  # fmt: skip
def test_what_is_no_secret_is_refused_without_being_repeated(text):
    with pytest.raises(BadSecret) as caught:
        Secret.parse(text)
    told = str(text).strip().removeprefix("whsec_")[:12]
    assert len(told) < 12 or told not in str(caught.value)


def test_a_secret_does_not_print_itself():
    secret = Secret.parse(KNOWN)
    assert repr(secret) == "Secret()"


@pytest.mark.parametrize("status", [s for s in Status if s.terminal])
def test_the_payload_is_thin(status):
    body = webhooks.payload(job(status))
    assert json.loads(body) == {
        "id": "msg_" + "0" * 26 + "7",
        "object": "event",
        "created_at": 1_780_000_123,
        "type": f"video.{status}",
        "timestamp": "2026-05-28T20:28:43Z",
        "data": {"id": "vid_" + "0" * 26 + "7", "object": "video", "status": str(status)},
    }
    assert b"secret" not in body
    assert webhooks.payload(job(status)) == body


def test_a_job_that_lives_has_nothing_to_say():
    with pytest.raises(ValueError, match="nothing to announce"):
        webhooks.payload(replace(job(), verdict=None))


def test_eight_tries_over_a_day():
    pauses = [webhooks.pause_s(tries) for tries in range(1, 9)]
    assert pauses[-1] is None
    assert None not in pauses[:-1]
    assert 23 * 3600 <= sum(pauses[:-1]) <= 25 * 3600
    assert pauses[:-1] == sorted(pauses[:-1])


@pytest.mark.parametrize(("asked_s", "waits_s"), [(0, 60), (59, 60), (600, 600), (1e9, 86400)])
def test_retry_after_counts_when_it_is_longer_up_to_a_day(asked_s, waits_s):
    assert webhooks.pause_s(1, asked_s) == waits_s
    assert webhooks.pause_s(8, asked_s) is None


SECRETS = {"local": [webhook_secret("n"), webhook_secret("o")]}


@pytest.fixture
def world(make_world):
    return make_world(env={"WEBHOOK_SECRETS": json.dumps(SECRETS)})


def test_secrets_do_not_print_themselves(world):
    for thing in (world.config, world.context, world.context.webhook_secrets):
        assert "bm5u" not in repr(thing)
        assert "nnnn" not in repr(thing)
