"""The scheduler calls as Cloud Scheduler does: headers, a token that google-auth believes, its rhythm.

Sources: Cloud Scheduler documentation, "Use authentication with HTTP targets"; OpenID Connect Core.
"""

import base64
import json
import re
import threading
import time

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from lib.core.errors import ApiError
from lib.emulator.body import Dropped
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.scheduler import Scheduler

URL = "http://poll.test/tick"
GOOGLE = "https://www.googleapis.com"
EMAIL = "scheduler@inbetween.iam.gserviceaccount.com"


class Target:
    """Remembers its calls; answers with a status or not at all."""

    def __init__(self, status="200 OK"):
        self.calls, self.status = [], status
        self.hold = None

    def __call__(self, environ, start_response):
        self.calls.append(environ)
        if self.hold:
            assert self.hold.wait(10)
        if not self.status:
            raise Dropped("no answer")
        start_response(self.status, [("Location", "http://poll.test/elsewhere")])
        return [b"{}"]


@pytest.fixture
def target():
    return Target()


@pytest.fixture
def make(target):
    def build(clock=None, **options):
        web = requests.Session()
        web.trust_env = False
        web.mount("http://poll.test", InProcess(target))
        return Scheduler(clock or Clock(start=1_790_000_000.0), url=URL, session=web, **options)

    return build


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_a_call_looks_like_cloud_schedulers(make, target):
    assert make().tick() == 200
    (call,) = target.calls
    assert (call["REQUEST_METHOD"], call["PATH_INFO"]) == ("POST", "/tick")
    assert call["HTTP_USER_AGENT"] == "Google-Cloud-Scheduler"
    assert call["HTTP_X_CLOUDSCHEDULER"] == "true"
    assert call["HTTP_X_CLOUDSCHEDULER_JOBNAME"] == "inbetween-poll"
    assert call["HTTP_X_CLOUDSCHEDULER_SCHEDULETIME"] == "2026-09-21T14:13:20Z"
    assert call["CONTENT_LENGTH"] == "0"
    scheme, _, token = call["HTTP_AUTHORIZATION"].partition(" ")
    assert scheme == "Bearer"
    assert claims(token)["aud"] == URL  # the target itself, unless told otherwise


def test_the_token_is_one_that_google_auth_believes(make):
    scheduler = make(Clock(), audience="https://poll.example", email="me@p.iam.gserviceaccount.com")
    web = requests.Session()
    web.mount(GOOGLE, InProcess(scheduler.keys_app))
    said = id_token.verify_oauth2_token(scheduler.token(), Request(web), "https://poll.example")
    assert said["email"] == "me@p.iam.gserviceaccount.com"
    assert said["email_verified"] is True
    assert said["iss"] == "https://accounts.google.com"
    assert said["exp"] - said["iat"] == 3600
    with pytest.raises(ValueError, match="audience"):
        id_token.verify_oauth2_token(scheduler.token(), Request(web), "https://other.example")
    with pytest.raises(ValueError, match="signature"):
        id_token.verify_oauth2_token(make(Clock()).token(), Request(web), None)


def test_the_services_own_door_lets_it_in_and_nobody_else():
    from lib.adapters import identity  # what the token is for

    clock = Clock(start=1_790_000_000.0)
    scheduler = Scheduler(clock, url=URL, audience="https://poll.example")

    def connect():
        web = requests.Session()
        web.mount(GOOGLE, InProcess(scheduler.keys_app))
        return web

    admit = identity.invoker_check(
        audience="https://poll.example",
        invoker=EMAIL,
        open_to_all=False,
        connect=connect,
        now=clock.now,
    )
    admit(f"Bearer {scheduler.token()}")
    clock.advance(7 * 24 * 3600)
    admit(f"Bearer {scheduler.token()}")
    other = Scheduler(clock, url=URL, audience="https://poll.example")
    for token in (other.token(), scheduler.token()[:-4] + "AAAA"):
        with pytest.raises(ApiError):
            admit(f"Bearer {token}")


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def test_the_key_set_names_the_same_key(make):
    scheduler = make()
    (key,) = scheduler.jwks()["keys"]
    head, body, signature = scheduler.token().split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {
        "alg": "RS256",
        "kid": key["kid"],
        "typ": "JWT",
    }
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    raw = base64.urlsafe_b64decode(signature + "==")
    public.verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert list(scheduler.certificates()) == [key["kid"]]


def test_a_key_may_be_given(make):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (key,) = make(key=pem).jwks()["keys"]
    assert number(key["n"]) == private.public_key().public_numbers().n
    assert make(key=pem.decode()).token().split(".")[2] == make(key=pem).token().split(".")[2]


@pytest.mark.parametrize("path", ["/oauth2/v1/certs", "/oauth2/v3/certs", "/emulator/jwks"])
def test_both_forms_of_the_key_are_served(make, path):
    web = requests.Session()
    web.mount(GOOGLE, InProcess(make().keys_app))
    served = web.get(GOOGLE + path).json()
    if "v1" in path:
        assert "BEGIN CERTIFICATE" in next(iter(served.values()))
    else:
        assert re.fullmatch(r"[\w-]{300,}", served["keys"][0]["n"])


@pytest.mark.parametrize(
    ("status", "expected"), [("500 Oops", 500), ("307 Elsewhere", 307), (None, 0)]
)
def test_what_went_wrong_is_remembered_and_the_next_run_is_the_retry(
    make, target, status, expected
):
    scheduler = make()
    target.status = status
    assert scheduler.tick() == scheduler.last_status == expected
    assert len(target.calls) == 1
    target.status = "200 OK"
    assert scheduler.tick() == 200


def test_at_least_once(make, target):
    scheduler = make(duplicate_every=3)
    for _ in range(6):
        scheduler.tick()
    times = [call["HTTP_X_CLOUDSCHEDULER_SCHEDULETIME"] for call in target.calls]
    assert (scheduler.runs, len(times)) == (6, 8)


def test_no_run_begins_before_the_previous_one_ended(make, target):
    scheduler, target.hold = make(), threading.Event()
    first = threading.Thread(target=scheduler.tick)
    first.start()
    wait(lambda: target.calls)
    assert scheduler.tick() is None
    target.hold.set()
    first.join()
    assert (scheduler.tick(), len(target.calls)) == (200, 2)


def wait(ready, seconds=10.0):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def test_in_the_background_it_runs_by_the_clock(make, target):
    clock = Clock(start=0.0)
    scheduler = make(clock, every_s=60)
    scheduler.start()
    try:
        time.sleep(0.1)
        assert target.calls == []
        clock.advance(61)
        wait(lambda: len(target.calls) == 1)
        clock.advance(30)
        time.sleep(0.1)
        assert len(target.calls) == 1
        clock.advance(86_400)  # missed runs are not made up for
        wait(lambda: len(target.calls) == 2)
        time.sleep(0.1)
        assert len(target.calls) == 2
    finally:
        scheduler.stop()
    clock.advance(3600)
    time.sleep(0.1)
    assert len(target.calls) == 2
