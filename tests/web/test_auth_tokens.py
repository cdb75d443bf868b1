"""Google ID tokens as the alternative to keys, the emulators' identities, and what nobody configured."""

import base64
import functools
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.storage.identity import IdentityApp
from lib.emulator.suite import Emulators, Options
from lib.web.auth import new_key
from tests.web.test_bad_input import URI

ROOT = Path(__file__).resolve().parents[2]
GOOGLE = "https://www.googleapis.com"
AUDIENCE = "812-films.apps.googleusercontent.com"
OWNERS = {"alice": ["Alice@Example.com"], "robots": ["bot@p.iam.gserviceaccount.com", "1099"]}
SETTINGS = {
    "AUTH": "on",
    "ID_TOKEN_AUDIENCE": f"https://other.example, {AUDIENCE}",
    "ID_TOKEN_OWNERS": json.dumps(OWNERS),
}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def rsa_key(_number):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Google:
    """Signs ID tokens and serves its public key, as Google does."""

    def __init__(self, clock, number=0):
        self.clock, self.key = clock, rsa_key(number)

    def token(self, **changes):
        now = int(self.clock.now())
        claims = {
            "iss": "https://accounts.google.com", "aud": AUDIENCE, "sub": "1", "iat": now,
            "exp": now + 3600, "email": "alice@example.com", "email_verified": True, **changes,
        }  # fmt: skip
        parts = ({"alg": "RS256", "kid": "k", "typ": "JWT"}, claims)
        text = ".".join(encode(json.dumps(part).encode()) for part in parts)
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{encode(signature)}"

    def certs(self, _environ, start_response):
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"k": public.decode()}).encode()]


class GuardedWorld:
    """A service that knows Google's keys."""

    def __init__(self, make_world, **env):
        self.world = make_world(env={**SETTINGS, **env})
        self.google = Google(self.world.clock)
        service = self.world.instance(connect=self.connect)
        self.api, self.poll = (
            Client(Request.application(app)) for app in (service.api, service.poll)
        )

    def connect(self):
        session = self.world.session()
        session.mount(GOOGLE, InProcess(self.google.certs))
        return session

    def get(self, token, path="/v1/models"):
        return self.api.get(path, headers={"Authorization": f"Bearer {token}"}).status_code

    def create(self, token):
        body = {"first_frame": URI, "last_frame": URI}
        headers = {"Authorization": f"Bearer {token}"}
        return self.api.post("/v1/videos", json=body, headers=headers).get_json()["id"]


@pytest.fixture
def guarded(make_world):
    return GuardedWorld(make_world)


BOT = {"email": "bot@p.iam.gserviceaccount.com"}


def test_an_id_token_opens_what_its_owner_owns(guarded):
    job, other = guarded.create(guarded.google.token()), guarded.create(guarded.google.token(**BOT))
    assert job in guarded.world.names("pending/alice/")[0]
    assert other in guarded.world.names("pending/robots/")[0]
    assert guarded.get(guarded.google.token(), f"/v1/videos/{job}") == 200
    assert guarded.get(guarded.google.token(**BOT), f"/v1/videos/{job}") == 404


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        ({"email": "ALICE@example.com"}, 200),
        ({"aud": "https://other.example"}, 200),
        ({"sub": "1099", "email": None}, 200),
        ({"sub": "1099", "email": "new-name@p.iam.gserviceaccount.com"}, 200),
        ({"email": "mallory@example.com"}, 403),
        ({"email_verified": False}, 403),
        ({"email": None, "sub": "alice@example.com"}, 403),
        ({"aud": "https://third.example"}, 401),
        ({"iss": "https://evil.example"}, 401),
        ({"exp": 1_780_000_000 - 60}, 401),
    ],
    ids=str,
)
def test_a_token_is_worth_what_its_claims_say(guarded, claims, status):
    assert guarded.get(guarded.google.token(**claims)) == status


def test_a_token_of_another_key_or_without_a_signature_is_nobodys(guarded):
    token = guarded.google.token()
    assert guarded.get(Google(guarded.world.clock, 1).token()) == 401
    assert guarded.get(token.rpartition(".")[0] + ".") == 401
    # `api` is reached by anybody: what the platform strips elsewhere may be anybody's text here.
    assert guarded.get(token.rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE") == 401


def test_keys_and_tokens_stand_side_by_side(make_world):
    key, kept = new_key()
    guarded = GuardedWorld(make_world, OWNER_KEYS=json.dumps({"alice": [kept]}))
    job = guarded.create(key)
    assert guarded.get(guarded.google.token(), f"/v1/videos/{job}") == 200
    guarded.world.clock.advance(30 * 24 * 3600)
    assert guarded.get(guarded.google.token()) == 200


def test_without_the_setting_a_genuine_token_is_worth_nothing(make_world):
    guarded = GuardedWorld(make_world, ID_TOKEN_AUDIENCE="", ID_TOKEN_OWNERS="")
    assert guarded.get(guarded.google.token()) == 401


# The emulators' identities


def test_the_emulated_metadata_server_gives_tokens_that_open_a_local_service(make_world):
    """As a program on Google Cloud asks for its own ID token."""
    email, key = "bot@p.iam.gserviceaccount.com", rsa_key(0)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    guarded = GuardedWorld(make_world)
    machine = IdentityApp(guarded.world.clock, email, pem)
    path = "/computeMetadata/v1/instance/service-accounts/default/identity"
    answer = Client(machine).get(
        f"{path}?audience={AUDIENCE}", headers={"Metadata-Flavor": "Google"}
    )

    def certs(_environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"emulated": machine.public_pem}).encode()]

    guarded.google.certs = certs
    assert guarded.get(answer.text) == 200
    guarded.world.clock.advance(3700)
    assert guarded.get(answer.text) == 401


def test_a_local_poll_lets_the_emulated_scheduler_in_and_nobody_else(make_world):
    """Over real loopback connections, with the certificates that the emulator serves."""
    stage = Emulators(Options(poll_url="http://127.0.0.1:9/tick", every_s=3600.0))
    try:
        lines = stage.start()
        upstream = lines["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
        world = make_world(
            env={
                "AUTH": "on",
                "POLL_AUDIENCE": "http://127.0.0.1:9/tick",
                "POLL_INVOKER": stage.scheduler.email,
                "ID_TOKEN_CERTS_URL": f"{upstream}/emulator/certs",
            }
        )
        poll = Client(Request.application(world.instance(now=stage.clock.now).poll))
        stage.clock.advance(3 * 24 * 3600)
        token = {"Authorization": f"Bearer {stage.scheduler.token()}"}
        assert poll.post("/", headers=token).get_json()["object"] == "tick"
        assert poll.post("/").status_code == 401
        stranger = Google(stage.clock).token(
            aud="http://127.0.0.1:9/tick", email=stage.scheduler.email
        )
        assert poll.post("/", headers={"Authorization": f"Bearer {stranger}"}).status_code == 401
    finally:
        stage.stop()


# Nothing configured


CREDENTIALS = {
    "none": {},
    "a key": {"Authorization": f"Bearer {new_key()[0]}"},
    "no key": {"Authorization": "Bearer"},
    "basic": {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "a token": {"Authorization": "Bearer " + Google(Clock()).token()},
    "stripped": {"Authorization": "Bearer e30.e30.SIGNATURE_REMOVED_BY_GOOGLE"},
    "claims": {"X-Goog-Authenticated-User-Email": "accounts.google.com:alice@example.com"},
    "scheduler": {"X-CloudScheduler": "true", "User-Agent": "Google-Cloud-Scheduler"},
}


@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS)
def test_with_only_a_bucket_and_a_key_of_the_upstream_every_call_is_refused(make_world, headers):
    world = make_world(env={"AUTH": "on"})
    for route in world.service.api.routes:
        path = route.path.replace("{id}", "vid_" + "0" * 27)
        answer = world.client.open(path, method=route.method, headers=headers)
        assert answer.status_code == (200 if route.public else 401), (route, answer.text)
    poll = Client(Request.application(world.service.poll))
    assert poll.post("/", headers=headers).status_code == 503
    assert world.names() == []


def test_an_event_is_checked_as_a_call_is(make_world):
    """`main.poll_event` itself, as the framework calls it, over this world's service."""
    import functions_framework  # only here

    from lib import wiring

    guarded = GuardedWorld(make_world, POLL_AUDIENCE=AUDIENCE, POLL_INVOKER="alice@example.com")
    app = functions_framework.create_app("poll_event", str(ROOT / "main.py"), "cloudevent")
    event = {
        "ce-id": "1", "ce-source": "//pubsub.googleapis.com/x", "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished", "Content-Type": "application/json",
    }  # fmt: skip
    instance = guarded.world.instance(connect=guarded.connect)
    before, wiring.service = wiring.service, lambda: instance
    try:
        for header, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {guarded.google.token(email='mallory@example.com')}"}, 403),
            ({"Authorization": f"Bearer {guarded.google.token()}"}, 200),
        ):
            answer = app.test_client().post("/", data="{}", headers={**event, **header})
            assert answer.status_code == status, answer.text
    finally:
        wiring.service = before
