"""Copies: what is a film is kept whatever is odd about it, slow and breaking hosts are outlasted."""

import json

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request

from lib.core.jobs.job import Stage
from lib.emulator.body import Dropped
from lib.emulator.in_process import InProcess
from tests import films

HOST = "films.example"
KIB = 1024


class FilmHost:
    """A host of one film, as RFC 9110 has it: ranges, `If-Range`, strong tags; slow or cut on demand.

    Args:
        world: whose clock moves while bytes are sent.
        film: what it serves.
    """

    def __init__(self, world, film):
        self.world, self.film, self.tag = world, film, '"one"'
        self.asked, self.cuts, self.takes_s, self.ranges = [], [], 0.0, True
        self.before, self.status, self.head, self.piece = None, 200, {}, 1000

    def __call__(self, environ, start_response):
        asked = {name: environ.get(name, "") for name in ("HTTP_RANGE", "HTTP_IF_RANGE")}
        self.asked.append((environ["wsgi.url_scheme"], asked["HTTP_RANGE"]))
        if self.before:
            self.before(len(self.asked))
        if self.status != 200:
            start_response(f"{self.status} Odd", [("Content-Length", "0")])
            return []
        first = int(asked["HTTP_RANGE"][6:-1] or 0) if self.ranges else 0
        if first and asked["HTTP_IF_RANGE"] != self.tag:
            first = 0
        body = self.film[first:]
        head = {"Content-Length": str(len(body)), "ETag": self.tag, "Content-Type": "video/mp4"}
        if first:
            head["Content-Range"] = f"bytes {first}-{len(self.film) - 1}/{len(self.film)}"
        start_response("206 Partial" if first else "200 OK", list((head | self.head).items()))
        return self._send(body, self.cuts.pop(0) if self.cuts else None)

    def _send(self, body, cut):
        for at in range(0, len(body), self.piece):
            self.world.clock.advance(self.takes_s * self.piece / len(self.film))
            if cut is not None and at + self.piece > cut:
                yield body[at:cut]
                raise Dropped("cut by the test")
            yield body[at : at + self.piece]


class Play:
    """A job whose film lies on a host of its own.

    Args:
        world: where.
        film: what the host serves.
        link: what the upstream says; None names the host by https.
    """

    def __init__(self, world, film, link=None):
        self.world, self.host = world, FilmHost(world, film)
        self.link = link or f"https://{HOST}/film.mp4"
        self.service = world.instance(connect=self.connect)
        self.id = world.post().get_json()["id"]

    def connect(self):
        session = self.world.session()
        session.mount(f"https://{HOST}", InProcess(self.host))
        session.mount(f"http://{HOST}", InProcess(self._nobody))
        session.mount(self.world.upstream_url, InProcess(self._upstream))
        return session

    def _nobody(self, _environ, _start_response):
        raise AssertionError("somebody spoke plain http to the host")

    def _upstream(self, environ, start_response):
        """The upstream, but for the links that it tells."""
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        told = []
        body = b"".join(self.world.upstream(environ, lambda *head: told.append(head)))
        (status, head), found = told[0], json.loads(body or b"{}")
        if isinstance(found.get("output"), dict) and found["output"].get("video_url"):
            found["output"]["video_url"] = self.link
            body = json.dumps(found).encode()
        head = [pair for pair in head if pair[0].lower() != "content-length"]
        start_response(status, [*head, ("Content-Length", str(len(body)))])
        return [body]

    def tick(self):
        return self.world.tick(self.service)

    def run(self, ticks=20, pause_s=10.0):
        """Ticks until the job has ended; its record."""
        for _ in range(ticks):
            if not self.tick()["pending"]:
                break
            self.world.clock.advance(pause_s)
        return self.job()

    def job(self):
        return self.world.job(self.id)

    def stored(self):
        return self.world.bucket.blob(f"videos/local/{self.id}.mp4").download_as_bytes()

    def held(self):
        return self.world.context.jobs.live("local", self.id)


@pytest.fixture
def stage(world):
    return lambda film, link=None: Play(world, film, link)


# A complete film is a film


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"frames": 156}, "lasts 5.20 s"),
        ({"frames": 145}, "lasts 4.83 s"),
        ({"audio": True}, "2 tracks, sound"),
        ({"codec": "libx265"}, "'hev1' instead of H.264"),
    ],
)
def test_an_odd_but_whole_film_is_completed_with_a_warning(stage, make_film, options, sentence):
    play = stage(make_film(**options))
    job = play.run()
    assert job["status"] == "completed"
    assert any(sentence in warning for warning in job["warnings"])
    assert play.stored() == play.host.film
    assert len(play.host.asked) == 1


def test_a_film_in_fragments_is_completed(stage):
    play = stage(films.fragmented())
    assert play.run()["status"] == "completed"


def test_an_http_link_is_asked_for_by_https(stage, make_film):
    play = stage(make_film(), f"http://{HOST}:80/film.mp4?Signature=x")
    assert play.run()["status"] == "completed"
    assert play.host.asked == [("https", "")]


@pytest.mark.parametrize(
    "link",
    [
        "https:///film.mp4",
        "http://",
        "ftp://films.example/film.mp4",
        "https://10.0.0.1/film.mp4",
        "http://films.example:8080/film.mp4",
        "https://films.example:port/film.mp4",
        "https://[::1/film.mp4",
        "not a link",
        "https://films.example/\ud800",
        "https://films.example/" + "x" * 9000,
    ],
)
def test_a_link_that_may_not_be_followed_ends_the_job_after_a_few_tries(stage, make_film, link):
    play = stage(make_film(), link)
    begun = play.world.clock.now()
    job = play.run(ticks=160, pause_s=30.0)
    assert job["status"] == "failed"
    assert job["error"]["code"] == "delivery_failed"
    assert job["usage"]["paid"] is True
    assert "its link is not followed" in job["error"]["message"]
    assert link not in json.dumps(job)
    assert play.host.asked == []
    assert play.world.clock.now() - begun < 3 * 3600


# What stays is told from what passes


def test_a_film_that_is_none_ends_the_job_after_five_looks_and_says_what_to_do(stage, make_film):
    whole = make_film()
    play = stage(whole[: len(whole) * 2 // 3])
    job = play.run(ticks=160, pause_s=30.0)
    assert (job["status"], job["usage"]["paid"]) == ("failed", True)
    assert job["error"]["code"] == "delivery_failed"
    assert job["error"]["retryable"] is False
    said = job["error"]["message"]
    (task,) = play.world.paid()
    assert "cut off after" in said
    assert "5 times" in said
    assert task.id in said
    assert "bills a new film" in said
    assert len(play.host.asked) == 5
    assert play.world.upstream.counts["get"] >= 3  # each time by a fresh link
    assert play.world.names("videos/") == []


def test_a_film_that_was_caught_unfinished_is_completed_at_the_next_look(stage, make_film):
    whole = make_film()
    play = stage(whole[:3000])
    while not play.host.asked:
        play.tick()
        play.world.clock.advance(5)
    play.host.film = whole
    assert play.run(ticks=160, pause_s=30.0)["status"] == "completed"
    assert play.stored() == whole


def test_a_film_that_is_too_large_is_not_downloaded(stage, make_film):
    play = stage(make_film())
    play.host.head = {"Content-Length": str(1 << 40)}
    job = play.run(ticks=160, pause_s=30.0)
    assert job["error"]["code"] == "delivery_failed"
    assert "larger than" in job["error"]["message"]


@pytest.mark.parametrize("status", [500, 502, 429, 404, 400])
def test_a_refusal_of_the_host_passes(stage, make_film, status):
    play = stage(make_film())
    play.host.status = status
    for _ in range(20):
        play.tick()
        play.world.clock.advance(60)
    assert play.job()["status"] == "in_progress"
    assert play.job()["waiting_for"] == "delivery_failed"
    play.host.status = 200
    play.world.clock.advance(600)
    assert play.run()["status"] == "completed"


def test_a_host_that_never_answers_well_is_left_when_the_films_day_is_over(stage, make_film):
    play = stage(make_film())
    play.host.status = 500
    for _ in range(30):
        play.tick()
        play.world.clock.advance(3600)
    job = play.job()
    assert job["status"] == "failed"
    assert (job["error"]["code"], job["usage"]["paid"]) == ("upstream_expired", True)


def test_a_film_whose_length_nobody_declared_and_that_ends_early_is_not_given_up(stage, make_film):
    whole = make_film()
    play = stage(whole[:-100])

    def plain(environ, start_response):
        inside = FilmHost.__call__(play.host, environ, lambda *_: None)
        start_response("200 OK", [("Content-Type", "video/mp4")])
        return inside

    play.service = play.world.instance(
        connect=lambda: _mounted(play.connect(), f"https://{HOST}", plain)
    )
    for _ in range(20):
        play.tick()
        play.world.clock.advance(60)
    assert play.job()["status"] == "in_progress"
    play.host.film = whole
    play.world.clock.advance(600)
    assert play.run()["status"] == "completed"


def _mounted(session, prefix, app):
    session.mount(prefix, InProcess(app))
    return session


# Slow and breaking hosts


@pytest.mark.parametrize("seconds", [70, 300, 550])
def test_a_slow_steady_download_succeeds_in_one_try(stage, make_film, seconds):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = seconds
    job = play.run()
    assert job["status"] == "completed"
    assert play.host.asked == [("https", "")]
    assert play.stored() == play.host.film


def test_a_slow_film_of_the_emulator_succeeds_in_one_try(world):
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="result", kind="slow", seconds=70.0)
    world.run()
    assert world.job(job_id)["status"] == "completed"
    assert world.upstream.counts["result"] == 1


def test_a_download_that_would_take_hours_is_left_within_the_copys_time(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = 5 * 3600
    play.world.clock.advance(60)
    begun = play.world.clock.now()
    play.tick()
    assert play.world.clock.now() - begun < 700
    assert play.job()["status"] == "in_progress"


def test_a_download_that_breaks_is_resumed_where_it_broke(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.cuts = [50_000, 0, 100_000, 1]
    assert play.run()["status"] == "completed"
    assert play.stored() == play.host.film
    assert [asked for _, asked in play.host.asked] == [
        "",
        "bytes=50000-",
        "bytes=50000-",
        "bytes=150000-",
        "bytes=150001-",
    ]


def test_the_emulators_cut_film_is_resumed_as_object_storage_service_has_it(world):
    job_id = world.post().get_json()["id"]
    world.upstream.faults.add(operation="result", kind="cut", at=2000)
    world.upstream.faults.add(operation="result", kind="cut", at=1000)
    world.run()
    assert world.job(job_id)["status"] == "completed"
    assert world.upstream.counts["result"] == 3


def test_a_host_without_ranges_sends_all_again_and_nothing_is_stored_twice(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.ranges, play.host.cuts = False, [50_000]
    assert play.run()["status"] == "completed"
    assert play.stored() == play.host.film
    assert len(play.host.asked) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_film_that_changes_on_the_way_is_copied_anew_and_never_mixed(stage, make_film, ranges):
    old, new = make_film(), make_film(frames=149)
    play = stage(films.padded(old, 300 * KIB))
    play.host.ranges, play.host.cuts = ranges, [50_000]

    def change(asked):
        if asked == 2:
            play.host.film, play.host.tag = films.padded(new, 300 * KIB), '"two"'

    play.host.before = change
    assert play.run()["status"] == "completed"
    assert play.stored() == films.padded(new, 300 * KIB)
    assert play.host.asked[-1] == ("https", "")


@pytest.mark.parametrize(
    "head",
    [
        {"ETag": '"another"'},
        {"ETag": ""},
        {"Content-Range": "bytes 0-99/100"},
        {"Content-Range": "bytes 50000-307199/999999"},
        {"Content-Range": "rubbish"},
    ],
)
def test_a_part_that_does_not_prove_what_it_is_is_not_taken(stage, make_film, head):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.cuts = [50_000]
    play.host.before = lambda asked: setattr(play.host, "head", head if asked == 2 else {})
    assert play.run()["status"] == "completed"
    assert play.stored() == play.host.film
    assert [asked for _, asked in play.host.asked] == ["", "bytes=50000-", ""]


def test_a_host_that_brings_nothing_more_is_left_after_a_few_tries(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.cuts = [50_000, 0, 0, 0, 0, 0]
    assert play.run()["status"] == "completed"
    assert [asked for _, asked in play.host.asked] == ["", *["bytes=50000-"] * 5, ""]


def test_a_host_that_slows_down_is_asked_anew(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))

    def send(body, cut):
        slow = len(play.host.asked) == 1
        for number, block in enumerate(FilmHost._send(play.host, body, cut)):
            play.world.clock.advance(15 if slow and number > 50 else 0)
            yield block

    play.host._send = send
    assert play.run()["status"] == "completed"
    assert len(play.host.asked) == 2
    assert play.stored() == play.host.film


# The lease


def test_nobody_takes_over_while_bytes_flow(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s, untils = 500, set()
    play.world.deploy({"TICK_BUDGET_S": "1"})
    other = play.world.instance(connect=play.connect)

    def send(body, cut):
        for number, block in enumerate(FilmHost._send(play.host, body, cut)):
            if number % 20 == 0:
                other.tick()
                held = play.held()
                assert held.state.stage is Stage.COPYING
                assert held.state.until > play.world.clock.now() + 50
                untils.add(held.state.until)
            yield block

    play.host._send = send
    assert play.run()["status"] == "completed"
    assert len(play.host.asked) == 1
    assert len(untils) >= 5


def test_a_copy_whose_lease_was_taken_stores_nothing(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = 300

    def send(body, cut):
        for number, block in enumerate(FilmHost._send(play.host, body, cut)):
            if number == 10:
                held = play.held()
                state = held.state.to(
                    Stage.COPYING,
                    by="another",
                    now=play.world.clock.now(),
                    until=play.world.clock.now() + 1e6,
                )
                assert play.world.context.jobs.patch(held, state)
            yield block

    play.host._send = send
    play.world.clock.advance(60)
    while not play.host.asked:
        summary = play.tick()
    assert summary.get("taken_by_another") == 1
    assert play.world.names("videos/") == []
    assert play.held().state.by == "another"


def test_a_lease_that_ends_before_the_last_look_stores_nothing(stage, make_film):
    """A freeze between the last block and the last chunk."""
    play = stage(make_film())
    frozen = []

    def storage(environ, start_response):
        answer = play.world.storage(environ, start_response)
        if "uploadType=resumable" in environ["QUERY_STRING"] and not frozen:
            frozen.append(play.world.clock.advance(200))
        return answer

    play.service = play.world.instance(
        connect=lambda: _mounted(play.connect(), play.world.storage_url, storage)
    )
    play.world.clock.advance(60)
    while not frozen:
        play.tick()
    assert play.world.names("videos/") == []
    assert play.run()["status"] == "completed"


def test_a_copier_that_dies_in_the_middle_is_followed_by_another(stage, make_film):
    class Killed(BaseException):
        pass

    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = 300

    def send(body, cut):
        for number, block in enumerate(FilmHost._send(play.host, body, cut)):
            if number == 200 and len(play.host.asked) == 1:
                raise Killed
            yield block

    play.host._send = send
    play.world.clock.advance(60)
    with pytest.raises(Killed):
        play.run()
    assert play.held().state.stage is Stage.COPYING
    assert play.run(ticks=60)["status"] == "completed"
    assert len(play.host.asked) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_copier_that_dies_in_the_middle_of_a_renewal_is_followed_by_another(
    stage, make_film, when
):
    class Killed(BaseException):
        pass

    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s, died = 200, []

    def storage(environ, start_response):
        renews = environ["REQUEST_METHOD"] == "PATCH" and "pending" in environ["PATH_INFO"]
        dies = renews and len(play.host.asked) == 1 and not died
        died.append(when) if dies else None
        if dies and when == "before":
            raise Killed
        answer = play.world.storage(environ, start_response)
        if dies:
            raise Killed
        return answer

    play.service = play.world.instance(
        connect=lambda: _mounted(play.connect(), play.world.storage_url, storage)
    )
    with pytest.raises(Killed):
        play.run()
    assert play.world.names("videos/") == []
    assert play.run(ticks=60)["status"] == "completed"
    assert len(play.host.asked) == 2


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 503}])
def test_a_renewal_whose_answer_was_lost_is_still_ours(stage, make_film, fault):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = 200
    play.host.before = lambda _asked: play.world.storage.faults.add(
        method="PATCH", object="pending/*", **fault
    )
    assert play.run()["status"] == "completed"
    assert len(play.host.asked) == 1
    assert all(one["completed"] for one in play.world.storage.faults.report())


# The bucket


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429}, {"drop": "after"}, {"drop": "before"}]
)
def test_a_refused_or_lost_chunk_does_not_begin_the_film_anew(stage, make_film, fault):
    play = stage(make_film())
    play.world.storage.faults.add(method="PUT", object="videos/*", **fault)
    assert play.run()["status"] == "completed"
    assert len(play.host.asked) == 1
    assert play.stored() == play.host.film


def test_a_film_that_was_stored_unheard_is_completed_when_its_link_is_dead(stage, make_film):
    """The last answer of the upload was lost for good; then the film's day ended."""
    play = stage(make_film())
    play.world.storage.faults.add(method="PUT", object="videos/*", drop="after", times=1)
    play.world.storage.faults.add(method="PUT", object="videos/*", status=503, times=6)
    play.world.clock.advance(60)
    while not play.host.asked:
        play.tick()
    assert len(play.world.names("videos/")) == 1
    play.host.status = 404
    play.world.clock.advance(25 * 3600)
    job = play.run()
    assert job["status"] == "completed"


# When a film's day begins


@pytest.mark.parametrize(
    "end_time", ["1999-01-01 00:00:00.000", "2999-01-01 00:00:00.000", 7, None]
)
def test_an_impossible_end_of_a_task_is_now(stage, make_film, end_time):
    play = stage(make_film())
    inside = play._upstream

    def odd(environ, start_response):
        told = []
        body = b"".join(inside(environ, lambda *head: told.append(head)))
        found = json.loads(body or b"{}")
        if isinstance(found.get("output"), dict) and "end_time" in found["output"]:
            found["output"]["end_time"] = end_time
            body = json.dumps(found).encode()
        head = [pair for pair in told[0][1] if pair[0].lower() != "content-length"]
        start_response(told[0][0], [*head, ("Content-Length", str(len(body)))])
        return [body]

    play.service = play.world.instance(
        connect=lambda: _mounted(play.connect(), play.world.upstream_url, odd)
    )
    play.host.status = 404
    play.world.clock.advance(60)
    while not play.host.asked:
        play.tick()
    held = play.held()
    assert held is not None, play.job()
    assert play.world.clock.now() - 120 < held.state.ended_at <= play.world.clock.now()


def test_the_end_of_a_task_stays_when_its_copy_fails(stage, make_film):
    play = stage(make_film())
    play.host.status = 500
    play.world.clock.advance(60)
    while not play.tick().get("copy_again"):
        pass
    held = play.held()
    (task,) = play.world.paid()
    assert held.state.stage is Stage.RUNNING
    assert held.state.ended_at == pytest.approx(task.ended_at, abs=1)


# Readers


def test_a_reader_does_not_wait_for_a_slow_host_and_a_tick_brings_it_home(stage, make_film):
    play = stage(films.padded(make_film(), 300 * KIB))
    play.host.takes_s = 100
    play.world.clock.advance(70)
    begun = play.world.clock.now()
    client = Client(Request.application(play.service.api))
    for _ in range(3):
        client.get(f"/v1/videos/{play.id}")
        play.world.clock.advance(5)
    assert play.world.clock.now() - begun < 40
    assert len(play.host.asked) == 1
    assert play.run()["status"] == "completed"
