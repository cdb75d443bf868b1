"""How far a service's clock is from ours: what answers agree on, and nothing beyond it."""

from email.utils import formatdate

import pytest
import requests

from lib.adapters.outbound.service_clock import OffsetBounds, ServiceClock

NOW = 1_780_000_000.0


def date(at):
    return formatdate(at, usegmt=True)


@pytest.fixture
def clock():
    return ServiceClock(lambda: NOW, 300.0)


@pytest.mark.parametrize(
    ("low", "high", "certain_s"),
    [
        (-1.0, 1.0, 0.0),
        (0.0, 1.0, 0.0),
        (-1.0, 0.0, 0.0),
        (-0.5, 0.5, 0.0),
        (2.0, 3.0, 2.0),
        (0.25, 0.5, 0.25),
        (-3.0, -2.0, -2.0),
        (-0.5, -0.25, -0.25),
        (4.0, 4.0, 4.0),
        (5.0, 4.0, 0.0),
        (-4.0, -5.0, 0.0),
    ],
)
def test_what_is_certain_is_the_least_distance_that_explains_an_answer(low, high, certain_s):
    assert OffsetBounds(low, high).certain_s == certain_s


def test_two_answers_allow_what_both_allow():
    assert OffsetBounds(1.0, 4.0).meets(OffsetBounds(2.0, 6.0)) == OffsetBounds(2.0, 4.0)
    assert OffsetBounds(1.0, 4.0).meets(OffsetBounds(4.0, 6.0)) == OffsetBounds(4.0, 4.0)
    assert OffsetBounds(1.0, 4.0).meets(OffsetBounds(4.5, 6.0)) is None
    assert OffsetBounds(1.0, 4.0).meets(OffsetBounds(-2.0, 0.5)) is None


def test_before_any_answer_the_clocks_agree(clock):
    assert (clock.ahead_s, clock.off_s) == (0.0, 0.0)


def test_a_date_names_a_second_between_asking_and_hearing(clock):
    clock.note(date(NOW + 20), NOW - 3, NOW + 4)
    assert (clock.ahead_s, clock.off_s) == (16.0, 16.0)  # written at the latest when it was heard
    clock.note(date(NOW + 20), NOW - 3, NOW - 2)
    assert (clock.ahead_s, clock.off_s) == (22.0, 22.0)


def test_a_clock_behind_is_behind_by_what_even_the_first_moment_shows(clock):
    clock.note(date(NOW - 20), NOW - 3, NOW + 4)
    assert (clock.ahead_s, clock.off_s) == (-16.0, 16.0)


def test_a_second_that_is_not_over_proves_nothing(clock):
    clock.note(date(NOW), NOW + 0.9, NOW + 0.95)
    assert (clock.ahead_s, clock.off_s) == (0.0, 0.0)
    clock.note(date(NOW), NOW + 1.5, NOW + 1.75)
    assert clock.off_s == 0.5


def test_what_cannot_be_read_says_nothing(clock):
    clock.note(date(NOW + 20), NOW, NOW)
    for odd in (None, "", "yesterday", 7):
        clock.note(odd, NOW, NOW)
    assert (clock.ahead_s, clock.off_s) == (20.0, 20.0)


def test_answers_that_agree_narrow_what_is_certain(clock):
    clock.note(date(NOW + 20), NOW - 5, NOW)
    clock.note(date(NOW + 21), NOW - 5, NOW)
    clock.note(date(NOW + 20), NOW - 5, NOW)
    assert clock.ahead_s == 21.0, "as far as any answer proved"
    assert clock.off_s == 20.0, "by the last answer alone"


def test_one_odd_date_corrects_nothing_and_two_say_that_the_clock_moved(clock):
    clock.note(date(NOW + 20), NOW, NOW)
    clock.note(date(NOW + 90), NOW, NOW)
    assert (clock.ahead_s, clock.off_s) == (20.0, 90.0)
    clock.note(date(NOW + 90), NOW, NOW)
    assert (clock.ahead_s, clock.off_s) == (90.0, 90.0)


def test_the_agreement_of_all_is_narrower_than_that_of_the_last_two(clock):
    clock.note(date(NOW + 29), NOW - 9, NOW)  # 29 to 39
    clock.note(date(NOW + 20), NOW - 9, NOW)  # 20 to 30: both allow 29 to 30
    clock.note(date(NOW + 25), NOW - 9, NOW)  # 25 to 35: all three allow 29 to 30
    assert clock.ahead_s == 29.0


@pytest.mark.parametrize(("off_s", "ahead_s"), [(299, 299), (300, 300), (4000, 300), (-4000, -300)])
def test_a_clock_is_followed_no_further_than_the_protocol_bears(clock, off_s, ahead_s):
    clock.note(date(NOW + off_s), NOW, NOW)
    assert clock.ahead_s == ahead_s
    assert clock.off_s == (off_s if off_s > 0 else -off_s - 1)


class Answering(requests.adapters.BaseAdapter):
    """A service whose answers take their time and bear these headers."""

    def __init__(self, times, head):
        super().__init__()
        self._times, self._head = times, head

    def send(self, request, **_options):
        self._times["now"] += 4.0
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers.update(self._head)
        response._content = b""
        return response

    def close(self):
        pass


@pytest.mark.parametrize(
    ("url", "head", "heard"),
    [
        ("https://one.example/api/tasks", {}, True),
        ("https://two.example/api/tasks", {}, False),
        ("https://one.example/api/tasks", {"Age": "60"}, False),
        ("https://two.example/api/tasks", {"Age": "60"}, False),
    ],
)
def test_only_the_services_own_fresh_answers_tell_its_time(url, head, heard):
    times = {"now": NOW}
    clock = ServiceClock(lambda: times["now"], 300.0)
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Answering(times, {"Date": date(NOW + 104), **head}))
    assert clock.watch(session, "https://one.example/api") is session
    session.get(url)
    assert clock.off_s == (100.0 if heard else 0.0), "heard when the answer was there"


def test_the_question_is_timed_before_it_leaves():
    times = {"now": NOW}
    clock = ServiceClock(lambda: times["now"], 300.0)
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Answering(times, {"Date": date(NOW - 101)}))
    clock.watch(session).get("https://one.example/")
    assert clock.off_s == 100.0
