"""Time: the state of a task follows from the clock alone, and same seed means same everything."""

import base64
import time

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.emulator.clock import Clock
from lib.emulator.server import Server
from lib.emulator.upstream import Timing, UpstreamApp
from lib.emulator.upstream.errors import NAMED
from lib.emulator.upstream.models import REGIONS
from lib.emulator.upstream.tasks import Task, TaskStore
from lib.emulator.upstream.timing import FilmSource

FILM = FilmSource(b"", None, "720P", 0, watermark=False, prompt="", model="wan2.2-kf2v-flash")
FLASH = REGIONS["singapore"]["wan2.2-kf2v-flash"]
# pause before, pending, running, fails
PLANS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 60), st.integers(1, 200), st.sampled_from([False, True])
    ),
    max_size=12,
)


def run(plan, reads):
    """Add tasks on a clock that stops at every moment of `reads`; returns all final times."""
    clock = Clock(start=0.0)
    tasks = TaskStore(clock, lambda _film: b"", Timing.virtual(lambda: (0, 0)))
    moments, now = [], 0
    for number, (pause, pending, running, fails) in enumerate(plan):
        now += pause
        moments.append((now, number, pending, running, fails))
    events = sorted([*moments, *((read, 99, 0, 0, False) for read in reads)])
    seen = []
    for at, number, pending, running, fails in events:
        clock.advance(at - clock.now())
        if number == 99:
            running_now = [task for task in tasks.of("a") if task.status == "RUNNING"]
            assert len(running_now) <= 2
            seen += [(task.id, task.status, task.seen_at(at)) for task in tasks]
            continue
        task = Task(
            str(number), "a", "singapore", "k", "r", FLASH, {}, FILM, at, at + pending, running
        )
        task.failure = NAMED["internal"][1:] if fails else None
        tasks.add(task)
    clock.advance(100_000)
    assert all(status == shown for _id, status, shown in seen)
    return [(task.status, task.scheduled_at, task.ended_at) for task in tasks]


@settings(max_examples=150, deadline=None)
@given(PLANS, st.lists(st.integers(0, 2000), max_size=20))
def test_looking_changes_nothing(plan, reads):
    unseen, seen = run(plan, []), run(plan, reads)
    assert unseen == seen
    for (_pause, pending, running, fails), (status, begun, ended) in zip(plan, seen, strict=True):
        assert status == ("FAILED" if fails else "SUCCEEDED")
        assert begun >= pending
        assert ended - begun == (min(running, 1) if fails else running)


@settings(max_examples=100, deadline=None)
@given(PLANS)
def test_never_more_than_two_run_and_nobody_waits_for_a_free_place(plan):
    spans, at = [], 0
    for (pause, pending, _running, _fails), (_status, begun, ended) in zip(
        plan, run(plan, []), strict=True
    ):
        at += pause
        spans.append((at + pending, begun, ended))
    for ready, begun, _ended in spans:
        busy = [span for span in spans if span[1] <= begun < span[2]]
        assert len(busy) <= 2
        if begun > ready:  # then both places were taken until just now
            assert any(ended == begun for _ready, _begun, ended in spans)


def answers(make_emulated, seed, polls):
    emulated = make_emulated(seed=seed)
    first = emulated.create()
    for _ in range(polls):
        emulated.status(first)
    emulated.clock.advance(100)
    second = emulated.create()
    emulated.clock.advance(100)
    url = emulated.get(second)["output"]["video_url"]
    return [first, second, url, [task.film.seed for task in emulated.app.tasks]]


def test_same_seed_same_tasks_links_and_seeds_however_often_somebody_polls(make_emulated):
    assert answers(make_emulated, 7, polls=0) == answers(make_emulated, 7, polls=9)
    pairs = zip(answers(make_emulated, 7, polls=0), answers(make_emulated, 8, polls=0), strict=True)
    assert all(one != other for one, other in pairs)


def test_same_seed_same_request_ids(make_emulated):
    first, again = (make_emulated(seed=3).get("x") for _ in range(2))
    assert first == again


def until(ready, seconds=10.0):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def broken(_film):
    raise ValueError("no film today")


def test_a_film_that_cannot_be_made_fails_its_task(make_emulated):
    emulated = make_emulated(timing=Timing.rendering(), render=broken)
    task_id = emulated.create()
    until(lambda: emulated.clock.advance(1) and emulated.status(task_id) != "RUNNING")
    assert emulated.get(task_id)["output"]["code"] == "InternalError.Algo"


def test_films_are_forgotten_after_their_links(emulated):
    url = emulated.finished()["output"]["video_url"]
    assert emulated.web.get(url).status_code == 200
    (task,) = emulated.app.tasks
    emulated.clock.advance(3 * 24 * 3600)
    emulated.create()
    assert task.rendering is None
    assert task.film.first == b""
    assert len(emulated.app.tasks) == 2


@pytest.mark.parametrize("frozen", [True, False])
def test_over_a_real_port(a_body, a_picture, frozen):
    clock = Clock(start=1_790_000_000.0) if frozen else Clock()
    web = requests.Session()
    web.trust_env = False

    class Relay:
        def __call__(self, environ, start_response):
            return self.app(environ, start_response)

    relay = Relay()
    with Server(relay) as server, web:
        relay.app = UpstreamApp(
            clock,
            base_url=server.url,
            render=lambda _film: bytes(300_000),
            fetch=web,
            timing=Timing.virtual(lambda: (1, 1)),
        )
        headers = {"Authorization": "Bearer sk-local-singapore"}
        frame = "data:image/png;base64," + base64.b64encode(a_picture()).decode()
        base = f"{server.url}/singapore/api/v1"
        answer = web.post(
            f"{base}/services/aigc/image2video/video-synthesis",
            json=a_body(first_frame_url=frame, last_frame_url=frame),
            headers={**headers, "X-DashScope-Async": "enable"},
        )
        assert answer.status_code == 200
        web.post(f"{server.url}/emulator/clock", json={"advance_s": 5})
        done = web.get(f"{base}/tasks/{answer.json()['output']['task_id']}", headers=headers)
        assert done.headers["Transfer-Encoding"] == "chunked"
        assert done.headers["Content-Encoding"] == "gzip"
        film = web.get(done.json()["output"]["video_url"], headers={"Range": "bytes=299999-"})
        assert (film.status_code, film.content) == (206, b"\x00")
        web.post(f"{server.url}/emulator/faults", json={"operation": "list", "kind": "drop"})
        with pytest.raises(requests.ConnectionError):
            web.get(f"{base}/tasks", headers=headers)
