"""A signer in trouble costs one caller its time, whoever else is there."""

import threading

import pytest
from google.auth import exceptions

from lib.adapters.files.trouble import AGAIN_S, KNOWN_S, ROLE, Signing, remedy
from lib.core.errors import ApiError

CALLERS = 16


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Steady:
    email = "a@b"

    def __init__(self):
        self.signed, self.broken = 0, None

    def sign(self, _message):
        self.signed += 1
        if self.broken:
            raise self.broken
        return b"signature"


@pytest.fixture
def clock():
    return Clock()


def used(signing):
    return signing.use(lambda signer: signer.sign(b""))


def test_one_caller_makes_the_signer_and_nobody_in_line_tries_after_it_failed(clock):
    asked, entered, go_on = [], threading.Semaphore(0), threading.Event()

    def make():
        asked.append(threading.current_thread())
        entered.release()
        assert go_on.wait(30)
        raise exceptions.DefaultCredentialsError("none")

    signing, refusals = Signing(make, clock), []

    def call():
        try:
            used(signing)
        except ApiError as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    assert entered.acquire(timeout=30)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(refusals) == CALLERS
    assert len(asked) == 1
    assert {refusal.kind.code for refusal in refusals} == {"signing_unavailable"}


def test_while_one_tries_again_the_others_are_refused_at_once(clock):
    steady = Steady()
    signing = Signing(lambda: steady, clock)
    steady.broken = OSError("no")
    with pytest.raises(ApiError):
        used(signing)
    clock.now += AGAIN_S
    entered, go_on = threading.Event(), threading.Event()

    def slow(_signer):
        entered.set()
        assert go_on.wait(30)
        return "link"

    made = []
    thread = threading.Thread(target=lambda: made.append(signing.use(slow)))
    thread.start()
    assert entered.wait(30)
    before = steady.signed
    with pytest.raises(ApiError):
        used(signing)
    assert steady.signed == before
    go_on.set()
    thread.join(30)
    assert made == ["link"]
    steady.broken = None
    assert used(signing) == b"signature"


def test_who_comes_back_when_told_finds_a_fresh_try(clock):
    steady = Steady()
    signing = Signing(lambda: steady, clock)
    steady.broken = OSError("no")
    with pytest.raises(ApiError) as raised:
        used(signing)
    for later_s in (0, 1, AGAIN_S - 1):
        clock.now = 1000.0 + later_s
        with pytest.raises(ApiError):
            used(signing)
    assert steady.signed == 1
    steady.broken = None
    clock.now = 1000.0 + raised.value.retry_after_s
    assert used(signing) == b"signature"


def test_a_clock_that_is_set_back_keeps_nobody_out(clock):
    steady = Steady()
    signing = Signing(lambda: steady, clock)
    steady.broken = OSError("no")
    with pytest.raises(ApiError):
        used(signing)
    steady.broken, clock.now = None, 10.0
    assert used(signing) == b"signature"


def test_a_check_signs_once_in_ten_minutes(clock):
    steady = Steady()
    signing = Signing(lambda: steady, clock)
    for _ in range(9):
        signing.check()
    assert steady.signed == 1
    clock.now += KNOWN_S - 1
    signing.check()
    assert steady.signed == 1
    clock.now += 1
    signing.check()
    assert steady.signed == 2
    used(signing)
    clock.now += KNOWN_S - 1
    signing.check()
    assert steady.signed == 3


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.TransportError("Permission 'iam.serviceAccounts.signBlob' denied"), ROLE),
        (exceptions.TransportError('{"status": "PERMISSION_DENIED"}'), ROLE),
        (exceptions.TransportError('"PERMISSION_DENIED", "SERVICE_DISABLED"'), "enable the API"),
        (exceptions.TransportError("RESOURCE_EXHAUSTED"), "quota"),
        (exceptions.DefaultCredentialsError("none"), "service account"),
        (AttributeError("service_account_email"), "service account"),
        (FileNotFoundError("key.json"), "SIGNING_KEY_FILE"),
        (exceptions.RefreshError("no"), "if it stays"),
        (KeyError("signedBlob"), "if it stays"),
    ],
    ids=repr,
)
def test_each_trouble_has_its_remedy(error, words):
    assert words in remedy(error)
    assert "key.json" not in remedy(error)
