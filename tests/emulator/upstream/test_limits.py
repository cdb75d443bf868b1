"""Rates and places: 2 creates and 20 queries a second, 2 tasks at a time, by account."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.emulator.clock import Clock
from lib.emulator.upstream.errors import UpstreamError
from lib.emulator.upstream.limits import RateLimits

PLUS = "wan2.1-kf2v-plus"
RATE = (429, "Throttling.RateQuota")
FULL = (429, "Throttling")


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def test_two_creates_a_second(make_emulated, a_body):  # limits
    emulated = make_emulated(overflow="queue")
    said = [emulated.post(a_body()) for _ in range(3)]
    assert [answer.status_code for answer in said] == [200, 200, 429]
    assert refusal(said[2]) == RATE
    assert "Retry-After" not in said[2].headers  # never seen (exchanges)
    emulated.clock.advance(0.99)
    assert refusal(emulated.post(a_body())) == RATE
    emulated.clock.advance(0.02)
    assert emulated.post(a_body()).status_code == 200
    assert len(emulated.app.tasks) == 3


def test_a_refused_create_counts_too(emulated, a_body):  # silent
    for _ in range(2):
        assert emulated.post(a_body(first_frame_url=...)).status_code == 400
    assert refusal(emulated.post(a_body())) == RATE


def test_2_1_in_singapore_takes_one_a_second(make_emulated, a_body):  # limits
    emulated = make_emulated(overflow="queue")
    said = [emulated.post(a_body(model=PLUS)) for _ in range(2)]
    assert [answer.status_code for answer in said] == [200, 429]
    emulated.clock.advance(1)
    assert emulated.post(a_body(model=PLUS)).status_code == 200
    assert emulated.post(a_body()).status_code == 200


def test_accounts_and_regions_have_rates_of_their_own(make_emulated, a_body):  # limits
    emulated = make_emulated(overflow="queue")
    for region, key in (
        ("singapore", "sk-singapore"),
        ("singapore", "sk-other"),
        ("beijing", "sk-beijing"),
    ):
        said = [emulated.post_status(region=region, key=key) for _ in range(3)]
        assert said == [200, 200, 429]
    assert emulated.post_status(key="sk-second") == 429  # same account as sk-singapore


@pytest.mark.parametrize(
    ("method", "path", "normal"),
    [("GET", "/tasks/x", 200), ("GET", "/tasks", 200), ("POST", "/tasks/x/cancel", 400)],
)
def test_twenty_a_second_of_each_kind(emulated, method, path, normal):  # tasks
    said = [emulated.call(method, path) for _ in range(21)]
    assert [answer.status_code for answer in said] == [normal] * 20 + [429]
    assert refusal(said[20]) == RATE
    others = {"/tasks/x": "/tasks", "/tasks": "/tasks/x", "/tasks/x/cancel": "/tasks"}
    assert emulated.call("GET", others[path]).status_code == 200
    emulated.clock.advance(1)
    assert emulated.call(method, path).status_code == normal


def test_a_hundred_policies_a_second_of_each_model(emulated):  # upload
    def ask(model):
        path = f"/uploads?action=getPolicy&model={model}"
        return emulated.call("GET", path).status_code

    assert [ask("wan2.2-kf2v-flash") for _ in range(101)] == [200] * 100 + [429]
    assert ask(PLUS) == 200


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 0.6), max_size=60), st.integers(1, 5))
def test_no_second_ever_holds_more_than_the_limit(pauses, limit):
    clock = Clock(start=0.0)
    limits, passed = RateLimits(clock), []
    for pause in pauses:
        clock.advance(pause)
        full = sum(clock.now() - 1.0 < moment for moment in passed) >= limit
        try:
            limits.take(limit, "x")
        except UpstreamError:
            assert full
        else:
            assert not full
            passed.append(clock.now())


def test_a_third_task_at_once_is_refused(emulated, a_body):  # limits, silent
    emulated.create()
    emulated.create()
    assert refusal(emulated.post(a_body())) == FULL
    emulated.clock.advance(5)  # still PENDING or RUNNING
    assert refusal(emulated.post(a_body())) == FULL
    emulated.clock.advance(65)
    assert emulated.post(a_body()).status_code == 200
    assert len(emulated.app.tasks) == 3


def test_a_third_task_at_once_may_wait_instead(make_emulated):  # silent: overflow=queue
    emulated = make_emulated(overflow="queue", draw=lambda: (0.0, 60.0))
    start = emulated.clock.now()
    ids = [emulated.create(pause_s=1) for _ in range(5)]
    assert [emulated.status(each) for each in ids] == ["RUNNING"] * 2 + ["PENDING"] * 3
    emulated.clock.advance(55)  # the first, begun at 0, ends at 60
    assert [emulated.status(each) for each in ids] == [
        "SUCCEEDED",
        "RUNNING",
        "RUNNING",
        "PENDING",
        "PENDING",
    ]
    emulated.clock.advance(200)
    begun = [task.scheduled_at - start for task in emulated.app.tasks]
    assert begun == pytest.approx([0, 1, 60, 61, 120])


def test_accounts_have_places_of_their_own(emulated, a_body):
    for key in ("sk-singapore", "sk-other"):
        emulated.create(key=key)
        emulated.create(key=key)
        assert refusal(emulated.post(a_body(), key=key)) == FULL


def test_one_model_takes_the_place_of_the_other(emulated, a_body):  # limits: by account
    emulated.create()
    emulated.create(model=PLUS)
    assert refusal(emulated.post(a_body())) == FULL


def test_no_third_task_slips_in_between_threads(make_emulated, a_body):
    emulated = make_emulated()
    said, gate = [], threading.Barrier(8)

    def knock():
        gate.wait()
        for _ in range(5):
            said.append(emulated.post_status())
            emulated.clock.advance(0.3)

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count(200) == len(emulated.app.tasks) == 2
    assert set(said) == {200, 429}
