"""Google's ID tokens: whom they name, and everything that makes one worthless.

Sources: Google Identity, "Verify the Google ID token on your server side"; OpenID Connect Core 1.0,
section 3.1.3.7; RFC 7519; RFC 8725 (algorithms are chosen by the verifier, never by the token).
"""

import base64
import hashlib
import hmac
import json
import threading

import pytest
import requests

from lib.adapters import identity
from lib.core.errors import ApiError
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.scheduler import Scheduler

GOOGLE = "https://www.googleapis.com"
AUDIENCE = "https://poll.example"
EMAIL = "scheduler@inbetween.iam.gserviceaccount.com"
START = 1_780_000_000.0


class Certs:
    """Serves a scheduler's certificates as Google does, and counts who asks."""

    def __init__(self, scheduler):
        self.scheduler, self.asked, self.status = scheduler, 0, "200 OK"
        self.headers = [("Cache-Control", "public, max-age=20000")]

    def __call__(self, environ, start_response):
        self.asked += 1
        assert environ["PATH_INFO"] == "/oauth2/v1/certs"
        body = json.dumps(self.scheduler.certificates()).encode()
        start_response(self.status, [("Content-Type", "application/json"), *self.headers])
        return [body]


class Parts:
    def __init__(self):
        self.clock = Clock(start=START)
        self.scheduler = Scheduler(self.clock, url="http://poll.test/", audience=AUDIENCE)
        self.certs = Certs(self.scheduler)
        self.google = identity.Google(connect=self.connect, now=self.clock.now)

    def connect(self):
        web = requests.Session()
        web.trust_env = False
        web.mount(GOOGLE, InProcess(self.certs))
        return web

    def token(self, header=None, **changes):
        """A token of the scheduler's key with other claims; a claim of None is left out."""
        now = int(self.clock.now())
        claims = {
            "aud": AUDIENCE, "email": EMAIL, "email_verified": True, "exp": now + 3600, "iat": now,
            "iss": "https://accounts.google.com", "sub": "1", **changes,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign({"alg": "RS256", "kid": "emulated-scheduler", **(header or {})}, claims)

    def sign(self, header, claims):
        from cryptography.hazmat.primitives import hashes  # only here
        from cryptography.hazmat.primitives.asymmetric import padding

        text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        key = self.scheduler._key
        return f"{text}.{encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def parts():
    return Parts()


def door(parts, **changes):
    said = {"audience": AUDIENCE, "invoker": EMAIL, "open_to_all": False, **changes}
    return identity.invoker_check(**said, connect=parts.connect, now=parts.clock.now)


def refused(call, *args):
    with pytest.raises(ApiError) as caught:
        call(*args)
    return caught.value.kind.status


def test_the_scheduler_passes_by_the_clock_of_the_service_wherever_that_stands(parts):
    admit = door(parts)
    admit(f"Bearer {parts.scheduler.token()}")
    parts.clock.advance(40 * 24 * 3600)
    admit(f"Bearer {parts.scheduler.token()}")


def test_a_genuine_token_names_its_bearer(parts):
    found = parts.google.verify(parts.token(email="Alice@Example.com", sub="108"), (AUDIENCE,))
    assert found == identity.Identity("108", "alice@example.com")
    assert parts.google.verify(parts.token(iss="accounts.google.com"), ("x", AUDIENCE))
    for unproven in ({"email_verified": False}, {"email_verified": "true"}, {"email": None}):
        assert parts.google.verify(parts.token(**unproven), (AUDIENCE,)).email is None


NOW = int(START)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"}, {"aud": None}, {"aud": [AUDIENCE]}, {"aud": {}},
        {"iss": "https://evil.example"}, {"iss": None}, {"iss": ["accounts.google.com"]},
        {"exp": NOW - 11}, {"exp": None}, {"exp": "9999999999"}, {"exp": True},
        {"exp": float("nan")}, {"exp": float("inf")}, {"exp": NOW + 2 * 24 * 3600},
        {"iat": NOW - 0.5, "exp": 10**400}, {"iat": -(10**400), "exp": NOW + 0.5}, {"nbf": [], "exp": []},
        {"iat": NOW + 60}, {"iat": None}, {"iat": float("-inf")}, {"sub": None}, {"sub": 1}, {"sub": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_not_right_is_refused(parts, changes):
    with pytest.raises(identity.NotGenuine):
        parts.google.verify(parts.token(**changes), (AUDIENCE,))
    assert refused(door(parts), f"Bearer {parts.token(**changes)}") == 401


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS384"},
        {"alg": None},
        {"kid": "other"},
        {"kid": None},
        {"kid": ["emulated-scheduler"]},
        {"crit": ["exp"]},
    ],
    ids=str,
)
def test_a_header_that_is_not_googles_is_refused(parts, header):
    with pytest.raises(identity.NotGenuine):
        parts.google.verify(parts.token(header), (AUDIENCE,))


def test_a_token_signed_with_the_public_certificate_as_a_secret_is_refused(parts):
    """The classic confusion of RS256 and HS256 (RFC 8725, 2.1)."""
    secret = parts.scheduler.certificates()["emulated-scheduler"].encode()
    for alg in ("HS256", "RS256"):
        head = encode(json.dumps({"alg": alg, "kid": "emulated-scheduler"}).encode())
        text = f"{head}.{parts.token().split('.')[1]}"
        forged = f"{text}.{encode(hmac.digest(secret, text.encode(), hashlib.sha256))}"
        with pytest.raises(identity.NotGenuine):
            parts.google.verify(forged, (AUDIENCE,))


def mangled(token):
    head, body, signature = token.split(".")
    deep = encode(b"[" * 6000)
    yield from (
        "",
        ".",
        "..",
        "a.b.c",
        "a.b",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}..{signature}",
    )
    yield from (
        f"{head}.{body}.{signature}.x",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{deep}.{body}.{signature}",
    )
    yield from (
        f"{encode(b'[]')}.{body}.{signature}",
        f"{head}.{encode(b'1')}.{signature}",
        token + "!",
        "é" + token,
    )
    yield f"{head}.{body}.{signature}" + "A" * 9000


def test_what_is_not_a_token_is_refused_and_asks_google_at_most_once(parts):
    for text in mangled(parts.token()):
        with pytest.raises(identity.NotGenuine):
            parts.google.verify(text, (AUDIENCE,))
    assert parts.certs.asked <= 1


def test_another_identity_is_genuine_and_may_not_tick(parts):
    admit = door(parts)
    assert (
        refused(admit, f"Bearer {parts.token(email='other@inbetween.iam.gserviceaccount.com')}")
        == 403
    )
    assert refused(admit, f"Bearer {parts.token(email_verified=False)}") == 403
    door(parts, invoker=EMAIL.upper())(f"Bearer {parts.token()}")


def test_each_of_several_audiences_may_tick_and_no_other(parts):
    admit = door(parts, audience=f"https://poll.example/run {AUDIENCE}")
    admit(f"Bearer {parts.token()}")
    admit(f"Bearer {parts.token(aud='https://poll.example/run')}")
    for other in ("https://poll.example/", f"https://poll.example/run {AUDIENCE}", ""):
        assert refused(admit, f"Bearer {parts.token(aud=other)}") == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eA==", "bearer x"])
def test_no_token_no_tick_and_google_is_not_asked(parts, header):
    assert refused(door(parts), header) == 401
    assert parts.certs.asked == 0


@pytest.mark.parametrize(
    "lacking",
    [{"audience": None}, {"audience": " , "}, {"invoker": None}, {"audience": "", "invoker": ""}],
)
def test_with_nothing_configured_nobody_ticks(parts, lacking):
    assert refused(door(parts, **lacking), f"Bearer {parts.token()}") == 503
    assert parts.certs.asked == 0


def test_certificates_are_kept_as_long_as_google_says(parts):
    for _ in range(5):
        parts.google.verify(parts.token(), (AUDIENCE,))
    assert parts.certs.asked == 1
    parts.clock.advance(19_999)
    parts.google.verify(parts.token(), (AUDIENCE,))
    assert parts.certs.asked == 1
    parts.clock.advance(1)
    parts.google.verify(parts.token(), (AUDIENCE,))
    assert parts.certs.asked == 2


def test_a_new_key_of_google_is_found_and_strangers_cannot_make_us_ask_all_day(parts):
    parts.google.verify(parts.token(), (AUDIENCE,))
    for number in range(20):
        with pytest.raises(identity.NotGenuine):
            parts.google.verify(parts.token({"kid": f"stranger-{number}"}), (AUDIENCE,))
    assert parts.certs.asked == 1
    parts.clock.advance(61)
    # Google rotates: the old certificates are not the right ones any more.
    parts.certs.scheduler = parts.scheduler = Scheduler(
        parts.clock, url="http://poll.test/", audience=AUDIENCE
    )
    fresh = parts.scheduler.certificates
    parts.scheduler.certificates = lambda: {"rotated": fresh()["emulated-scheduler"]}
    parts.google.verify(parts.token({"kid": "rotated"}), (AUDIENCE,))
    assert parts.certs.asked == 2


@pytest.mark.parametrize("status", ["500 Internal Server Error", "302 Found", "404 Not Found"])
def test_without_googles_certificates_nobody_is_judged_and_nobody_passes(parts, status):
    parts.certs.status = status
    admit = door(parts)
    assert refused(admit, f"Bearer {parts.token()}") == 503
    assert refused(admit, f"Bearer {parts.token()}") == 503
    assert parts.certs.asked == 1  # the second caller does not wait for them again
    parts.certs.status = "200 OK"
    parts.clock.advance(6)
    admit(f"Bearer {parts.token()}")


def test_many_at_once_ask_once(parts):
    failed = []

    def work():
        try:
            parts.google.verify(token, (AUDIENCE,))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is what the test shows
            failed.append(error)

    token = parts.token()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, parts.certs.asked) == ([], 1)


def test_a_token_without_signature_counts_only_where_the_platform_has_checked_it(parts):
    """Cloud Run checks the token of a private service itself and passes it on without signature."""
    removed = parts.token().rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
    with pytest.raises(ApiError, match="POLL_BEHIND_IAM") as caught:
        door(parts)(f"Bearer {removed}")
    assert caught.value.kind.status == 401
    private = door(parts, behind_iam=True)
    private(f"Bearer {removed}")
    private(f"Bearer {parts.token()}")
    assert refused(private, f"Bearer {removed[:-1]}") == 401
    for changes in (
        {"aud": "https://other.example"},
        {"exp": NOW - 60},
        {"iss": "https://evil.example"},
    ):
        stale = parts.token(**changes).rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
        assert refused(private, f"Bearer {stale}") == 401
    other = parts.token(email="other@x").rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
    assert refused(private, f"Bearer {other}") == 403


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "²"]
)
def test_certificates_that_are_none_are_no_answer(text):
    parts = Parts()
    parts.certs = lambda _environ, start: (start("200 OK", []), [text.encode()])[1]
    assert refused(door(parts), f"Bearer {parts.token()}") in {401, 503}


def test_a_token_of_odd_json_is_nobodys(parts):
    for claims in ('{"iat": ' + "9" * 4000 + "}", "[" * 3000, '{"exp": 1e999}', "²"):
        token = ".".join(encode(text.encode()) for text in ('{"alg": "RS256"}', claims, "x"))
        with pytest.raises(identity.NotGenuine):
            parts.google.verify(token, (AUDIENCE,))
