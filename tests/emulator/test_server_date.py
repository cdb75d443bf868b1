"""Every answer of every emulated service carries `Date`, by the emulated clock (RFC 9110, 6.6.1)."""

from email.utils import parsedate_to_datetime

import pytest
import requests

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.server import Server
from lib.emulator.storage import StorageApp
from lib.emulator.suite import Emulators, Options
from lib.emulator.upstream import Timing, UpstreamApp

START, LATER_S = 1_780_000_000.0, 86_400.0
HEAD = {"Authorization": "Bearer sk-local-singapore"}
STORAGE = (
    ("GET", "/storage/v1/b/films/o"),
    ("GET", "/storage/v1/b/nobodys/o"),
    ("GET", "/storage/v1/b/films/o/none"),
    ("POST", "/upload/storage/v1/b/films/o?uploadType=media&name=one"),
    ("GET", "/films/none"),
    ("OPTIONS", "/films/none"),
    ("GET", "/emulator/clock"),
    ("GET", "/no/such/path"),
)
UPSTREAM = (
    ("GET", "/singapore/api/v1/tasks"),
    ("GET", "/singapore/api/v1/tasks/none"),
    ("POST", "/singapore/api/v1/tasks/none/cancel"),
    ("POST", "/singapore/api/v1/services/aigc/image2video/video-synthesis"),
    ("GET", "/singapore/api/v1/uploads?action=getPolicy&model=wan2.2-kf2v-flash"),
    ("GET", "/results/none.mp4"),
    ("POST", "/oss"),
    ("GET", "/emulator/clock"),
    ("GET", "/no/such/path"),
)


def upstream(clock):
    return UpstreamApp(
        clock,
        base_url="http://upstream.test",
        render=lambda _film: b"",
        fetch=requests.Session(),
        timing=Timing.virtual(lambda: (1.0, 60.0)),
    )


def storage(clock):
    app = StorageApp(clock)
    app.create_bucket("films")
    return app


def at(answer):
    return parsedate_to_datetime(answer.headers["Date"]).timestamp()


CASES = [(storage, *call) for call in STORAGE] + [(upstream, *call) for call in UPSTREAM]


@pytest.mark.parametrize(("make", "method", "path"), CASES)
def test_in_process_the_date_is_the_emulated_clocks(make, method, path):
    clock = Clock(start=START)
    session = requests.Session()
    session.mount("http://", InProcess(make(clock)))
    for _ in range(2):
        answer = session.request(method, f"http://any.test{path}", headers=HEAD)
        assert at(answer) == clock.now()
        clock.advance(LATER_S)


@pytest.mark.parametrize(("make", "method", "path"), CASES)
def test_over_a_socket_the_date_is_the_emulated_clocks(make, method, path):
    clock = Clock(start=START)
    with Server(make(clock), now=clock.now) as server:
        answer = requests.request(method, server.url + path, headers=HEAD, timeout=10)
    assert at(answer) == START


def test_what_the_socket_itself_answers_has_the_emulated_clocks_date_too():
    clock = Clock(start=START)

    def app(_environ, start_response):
        start_response("204 No Content", [])
        return []

    with Server(app, now=clock.now) as server:
        assert at(requests.get(server.url, timeout=10)) == START


def test_on_stage_everything_dates_by_the_one_clock():
    emulators = Emulators(Options(poll_url="http://127.0.0.1:1/poll", every_s=1e6))
    try:
        places = emulators.start()
        emulators.clock.advance(LATER_S)
        upstream_url = places["DASHSCOPE_BASE_URL"].partition("/singapore")[0]
        for url in (
            f"{places['STORAGE_EMULATOR_HOST']}/storage/v1/b/{places['BUCKET']}/o",
            f"{places['DASHSCOPE_BASE_URL']}/tasks",
            f"{upstream_url}/emulator/certs",
        ):
            answer = requests.get(url, headers=HEAD, timeout=10)
            assert abs(at(answer) - emulators.clock.now()) < 60, url
    finally:
        emulators.stop()
