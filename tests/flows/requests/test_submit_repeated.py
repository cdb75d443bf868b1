"""A client without a key repeats its create until it is answered: one task, wherever the fault was.

Walks every call over the wire that a POST makes, with every way in which it can fail, once and for
as long as the request lasts. The upstream's own books are read at the end.
"""

import base64
import functools

import pytest
import requests
from requests.adapters import BaseAdapter
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.emulator.in_process import InProcess
from tests.conftest import film
from tests.hooks import refused
from tests.receivers import PLACES
from tests.simulation.actors import Killed
from tests.world import STORAGE, UPSTREAM, World, picture

KINDS = ("before", "after", "refuse", "crash", "kill")
CALLS_AT_MOST = 40
URI = "data:image/png;base64," + base64.b64encode(picture(320, 320)).decode()
NATIVE = {"first_frame": URI, "last_frame": URI, "prompt": "rain"}
COMPAT = {
    "model": "wan2.2-kf2v-flash",
    "input": {"first_frame_url": URI, "last_frame_url": URI, "prompt": "rain"},
    "parameters": {"resolution": "480P"},
}


class Weather:
    """What becomes of the calls of one instance while a request lasts.

    Args:
        number: the call that fails first, from 0; None: none.
        kind: how.
        lasting: whether all later ones fail, too.
    """

    def __init__(self, number=None, kind="", *, lasting=False):
        self.number, self.kind, self.lasting = number, kind, lasting
        self.calls, self.met, self.calm = 0, 0, False

    def fate(self):
        number, self.calls = self.calls, self.calls + 1
        if self.calm or self.number is None or number < self.number:
            return "fine"
        if number > self.number and not self.lasting and self.kind != "kill":
            return "fine"
        self.met += 1
        return self.kind


class Wire(BaseAdapter):
    def __init__(self, weather, app):
        super().__init__()
        self._weather, self._inside = weather, InProcess(app)

    def send(self, request, **options):
        kind = self._weather.fate()
        if kind == "before":
            raise requests.ConnectionError("cut before it arrived", request=request)
        if kind == "refuse":
            return refused(request, 503)
        if kind == "crash":
            raise RuntimeError("nobody thought of this")
        response = self._inside.send(request, **options)
        if kind == "after":
            response.close()
            raise requests.ConnectionError("the answer was lost", request=request)
        if kind == "kill":
            raise Killed
        return response

    def close(self):
        pass


class Town:
    """A world whose upstream has shown our key, and clients of one dialect."""

    def __init__(self, dialect, env=None):
        self.world = World(film, overflow="queue", draw=lambda: (1.0, 20.0), env=env)
        self.dialect = dialect
        world = self.world
        self._apps = {STORAGE: world.storage, UPSTREAM: world.upstream, PLACES: world.receivers}
        self.world.post(prompt="before the story")
        self.world.run()
        self.world.clock.advance(400)
        self.before = len(self.world.paid())
        self.weather = Weather()

    def instance(self, weather):
        def connect():
            session = requests.Session()
            session.trust_env = False
            for prefix, app in self._apps.items():
                session.mount(prefix, Wire(weather, app))
            return session

        self.weather = weather
        service = self.world.instance(connect=connect)
        return Client(Request.application(service.api))

    def post(self, client, **headers):
        """The id of the answer; None when there was none, or another than 2xx."""
        native = self.dialect == "native"
        path = "/v1/videos" if native else "/api/v1/services/aigc/image2video/video-synthesis"
        if not native:
            headers["X-DashScope-Async"] = "enable"
        try:
            answer = client.post(path, json=NATIVE if native else COMPAT, headers=headers)
        except Killed:
            return None
        self.last = answer
        data = answer.get_json()
        self.answered_after = self.weather.calls
        self.weather.calm = True  # what follows the answer is another test's
        answer.close()  # as servers do when it is out
        if answer.status_code not in {200, 202}:
            assert answer.status_code >= 500, data
            return None
        return data["id"] if native else data["output"]["task_id"]

    def made(self):
        """How many tasks stand in the upstream's books."""
        return len(self.world.paid()) - self.before

    def rest(self):
        for _ in range(40):
            if not self.world.tick()["pending"]:
                return
            self.world.clock.advance(30)
        raise AssertionError(f"still pending: {self.world.names('pending/')}")


def story(dialect, number, kind, *, lasting, gap_s, env=None):
    """One client's day; False when the request was over before the fault."""
    town = Town(dialect, env)
    weather = Weather(number, kind, lasting=lasting)
    client = town.instance(weather)
    job = town.post(client)
    if not weather.met:
        return False
    tries = 1
    while job is None:
        assert tries < 4
        town.world.clock.advance(gap_s)
        town.world.tick()
        client = town.instance(Weather())
        job, tries = town.post(client), tries + 1
    town.rest()
    assert town.made() == 1
    assert town.world.job(job)["status"] == "completed"
    if dialect == "native":
        # However late the answer was: ten minutes later nobody repeats it any more.
        town.world.clock.advance(700)
        assert town.post(client) != job
        town.rest()
        assert town.made() == 2
    return True


def gap(number):
    return (1, 31, 95, 240, 500)[number % 5]


@functools.cache
def calls(dialect, **env):
    """How many calls a create makes when nothing fails."""
    town = Town(dialect, env)
    assert town.post(town.instance(Weather()))
    assert 8 < town.answered_after < CALLS_AT_MOST
    return town.answered_after


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_create_that_is_repeated_until_it_is_answered_is_one_task(kind, lasting):
    if kind == "kill" and lasting:
        return  # the dead stay dead
    for number in range(calls("native")):
        assert story("native", number, kind, lasting=lasting, gap_s=gap(number)), number


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_in_the_other_dialect(kind):
    for number in range(0, calls("compat"), 2):
        lasting = kind != "kill" and number % 4 == 0
        assert story("compat", number, kind, lasting=lasting, gap_s=gap(number)), number


@pytest.mark.parametrize("kind", ["after", "kill"])
def test_the_same_where_frames_are_uploaded(kind):
    env = {"FRAME_DELIVERY": "upload"}
    for number in range(0, calls("native", **env), 3):
        assert story("native", number, kind, lasting=False, gap_s=gap(number), env=env), number


# What an answer is


@pytest.fixture
def town():
    return Town("native")


def test_who_was_answered_gets_a_second_film_on_every_instance(town):
    client, other = town.instance(Weather()), town.instance(Weather())
    first, second, third = town.post(client), town.post(client), town.post(other)
    assert len({first, second, third}) == 3
    assert "Idempotent-Replayed" not in town.last.headers
    town.rest()
    assert town.made() == 3


def test_an_answer_that_never_went_out_is_none(town):
    """The process dies between making the answer and handing it over: nothing says it was given."""
    client = town.instance(Weather())
    first = client.post("/v1/videos", json=NATIVE).get_json()["id"]  # nobody closes it: not out
    other = town.instance(Weather())
    assert town.post(other) == first
    assert town.last.headers["Idempotent-Replayed"] == "true"
    assert town.post(other) != first


@pytest.mark.parametrize("seconds", [6, 59])
def test_a_late_answer_counts_as_none(town, seconds):
    """Whoever waits for it may have given up: the same request again is the same intent."""
    client, slow = town.instance(Weather()), Weather()
    service_client = town.instance(slow)
    slow.fate = lambda: (town.world.clock.advance(seconds / 8), "fine")[1]
    first = town.post(service_client)
    slow.fate = lambda: "fine"
    assert town.post(service_client) == first
    assert town.post(client) != first


def test_a_look_at_the_job_does_not_say_that_the_sender_was_answered(town):
    """A dashboard of the same owner reads every job; the program that posted still repeats."""
    client = town.instance(Weather())
    first = client.post("/v1/videos", json=NATIVE).get_json()["id"]  # its answer is never closed
    other = town.instance(Weather())
    assert other.get(f"/v1/videos/{first}").status_code == 200
    assert town.post(other) == first


@pytest.mark.parametrize("kind", KINDS)
def test_a_note_that_fails_after_the_answer_makes_no_second_task(town, kind):
    """The caller has its answer; at worst the same request is taken for a repetition for a while."""
    weather = Weather()
    client = town.instance(weather)
    answer = client.post("/v1/videos", json=NATIVE)
    weather.number, weather.kind, weather.lasting = weather.calls, kind, True
    try:
        answer.close()
    except Killed:
        assert kind == "kill"
    assert weather.met
    other = town.post(town.instance(Weather()))
    if kind in {"before", "refuse", "crash"}:
        assert other == answer.get_json()["id"]
    weather.calm = True
    assert town.post(town.instance(Weather())) not in {other, answer.get_json()["id"]}


def test_ten_minutes_are_counted_from_the_last_attempt(town):
    weather = Weather(0, "kill")
    assert town.post(town.instance(weather)) is None
    town.world.clock.advance(550)
    first = town.instance(Weather()).post("/v1/videos", json=NATIVE).get_json()["id"]
    town.world.clock.advance(590)
    again = town.instance(Weather()).post("/v1/videos", json=NATIVE).get_json()["id"]
    assert again == first
    town.world.clock.advance(700)
    assert town.post(town.instance(Weather())) != first


def test_a_refusal_binds_nobody(town):
    """What was refused may be sent again when it is mended, under the limits of the moment."""
    client = town.instance(Weather())
    bad = {**NATIVE, "resolution": "1080P", "model": "wan2.1-kf2v-plus"}
    assert client.post("/v1/videos", json=bad).status_code == 400
    assert client.post("/v1/videos", json=bad).status_code == 400
    assert town.post(client)


def test_a_job_that_ended_unpaid_or_was_deleted_is_not_what_is_asked_for_again(town):
    client = town.instance(Weather())
    refused = {**NATIVE, "prompt": "#moderation-input"}
    ids = {client.post("/v1/videos", json=refused).get_json()["id"] for _ in range(2)}
    assert len(ids) == 2
    other = town.instance(Weather())
    first = client.post("/v1/videos", json=NATIVE).get_json()["id"]
    town.rest()
    assert other.delete(f"/v1/videos/{first}").status_code == 200
    assert town.instance(Weather()).post("/v1/videos", json=NATIVE).get_json()["id"] != first


def test_nobody_sends_beside_a_doubt_that_was_not_answered(town):
    """Beyond the ten minutes, too, as long as nobody knows whether the first is paid."""
    town.world.upstream.faults.add(operation="create", kind="drop", when="after", times=1)
    town.world.upstream.faults.add(operation="list", kind="status", status=500, times=1000)
    first = town.instance(Weather()).post("/v1/videos", json=NATIVE).get_json()["id"]
    for _ in range(3):
        town.world.clock.advance(400)
        town.world.tick()
    assert town.world.job(first)["stage"] == "unsure"
    assert town.instance(Weather()).post("/v1/videos", json=NATIVE).get_json()["id"] == first


def test_a_checked_request_and_one_with_a_key_bind_nothing(town):
    client = town.instance(Weather())
    before = town.world.names("keys/")
    assert client.post("/v1/videos", json={**NATIVE, "validate_only": True}).status_code == 200
    assert town.world.names("keys/") == before
    keyed = client.post("/v1/videos", json=NATIVE, headers={"Idempotency-Key": "k"})
    assert len(town.world.names("keys/")) == len(before) + 1
    assert town.post(client) != keyed.get_json()["id"]


# What a refusal says


@pytest.mark.parametrize("kind", ["before", "after", "refuse"])
def test_what_a_refusal_says_is_true(kind):
    for number in range(calls("native")):
        town = Town("native")
        client = town.instance(Weather(number, kind, lasting=True))
        if town.post(client) is not None:
            continue
        said = town.last.get_json()["detail"]
        assert "within ten minutes it counts as the same" in said
        assert "Nothing is lost" not in said
        if town.world.names("pending/"):
            assert "not known" in said
            assert "made no job" not in said
