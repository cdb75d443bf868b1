"""The upstream on the wire, at the edges: what no task can have come of, how long an answer is read, whole lists."""

import contextlib
import gzip
import json
import re

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from lib.adapters.dashscope import DashScope, creates
from lib.core import errors
from lib.core.jobs.intent import PlainRequest
from lib.core.upstream.blocks import TooSlow
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import Accepted, Ambiguous, Listing, QueryFailed, Refused
from tests.flows.tasks.stored import row
from tests.flows.tasks.test_clocks_edges import shown
from tests.world import START

LINK = "https://frames.example/a.png"
SMALL = Order(PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5), LINK, LINK)
LARGE = Order(SMALL.request, "data:image/png;base64," + "A" * 500_000, LINK)
TAKEN = {"output": {"task_id": "t1", "task_status": "PENDING"}, "request_id": "r"}
HOUR_S = 3600.0


class Trickle:
    """A body that comes in pieces, each after its time; what a connection's end is to urllib3."""

    def __init__(self, wire, pieces, each_s):
        self._wire, self._pieces, self._each_s = wire, list(pieces), each_s
        self.closed = False

    def read1(self, size):
        if not self._pieces or not size:
            return b""
        self._wire.now += self._each_s
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        assert len(piece) <= size
        return piece

    read = read1

    def close(self):
        self.closed = True


class Wire(BaseAdapter):
    """The upstream at the other end of a session, on a clock that it moves itself.

    Args:
        answers: one for each call: an exception, or a function of the request that gives one.
    """

    def __init__(self, *answers):
        super().__init__()
        self.now, self._answers = START, list(answers)
        self.asked, self.options, self.slept = [], [], []

    def send(self, request, **options):
        self.asked.append(request)
        self.options.append(options)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        answer = answer(self, request) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        pass

    def account(self):
        def connect():
            session = requests.Session()
            session.trust_env = False
            session.mount("http://", self)
            return session

        def sleep(seconds):
            self.slept.append(seconds)
            self.now += seconds

        return DashScope(
            base_url="http://up.example/api/v1",
            api_key="sk-x",
            region="singapore",
            delivery="link",
            connect=connect,
            now=lambda: self.now,
            sleep=sleep,
        )


def answer(data, status=200, *, pieces=None, each_s=0.0, takes_s=0.0, **head):
    """A function that makes an answer: its JSON in so many pieces, or these pieces."""

    def made(wire, request):
        wire.now += takes_s
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        parts = body if not isinstance(pieces, int) else None
        if parts is None:
            size = -(-len(body) // pieces)
            parts = [body[at : at + size] for at in range(0, len(body), size)]
        else:
            parts = pieces or [body[at : at + 16_000] for at in range(0, len(body), 16_000)]
        raw = urllib3.HTTPResponse(
            Trickle(wire, parts, each_s), headers=head, status=status, preload_content=False
        )
        response = requests.Response()
        response.status_code, response.raw, response.url = status, raw, request.url
        response.headers.update(head)
        response.request = request
        return response

    return made


# A create


def test_a_create_has_twenty_seconds_beyond_what_its_body_takes(monkeypatch):
    totals = []

    @contextlib.contextmanager
    def within(total_s):
        totals.append(total_s)
        yield

    monkeypatch.setattr(creates, "within", within)
    wire = Wire(answer(TAKEN))
    for order in (SMALL, LARGE):
        assert wire.account().create(order) == Accepted("t1", "r")
    assert LARGE.takes_s > 2
    assert totals == [20.0, 20.0 + LARGE.takes_s]


def test_a_large_body_has_ten_seconds_for_each_block_and_a_small_one_three_for_all():
    wire = Wire(answer(TAKEN))
    for order in (SMALL, LARGE):
        wire.account().create(order)
    assert [one["timeout"] for one in wire.options] == [(3.05, 16.95), (10.0, 16.95)]
    assert [one["stream"] for one in wire.options] == [True, True]


@pytest.mark.parametrize(("each_s", "kind"), [(6.0, Accepted), (6.7, Ambiguous)])
def test_an_answer_to_a_create_is_read_for_twenty_seconds(each_s, kind):
    wire = Wire(answer(TAKEN, pieces=3, each_s=each_s))
    assert isinstance(wire.account().create(SMALL), kind)


def test_an_answer_that_ends_with_its_time_is_an_answer():
    assert Wire(answer(TAKEN, pieces=2, each_s=10.0)).account().create(SMALL) == Accepted("t1", "r")


def handed_over(wire, request, blocks=None):
    """Read a large body as a connection does, in 25 s, or a part of it."""
    while request.body.read(100_000):
        wire.now += 5.0
        if blocks is not None:
            blocks -= 1
            if not blocks:
                return


def test_the_time_of_an_answer_begins_when_a_large_body_is_out():
    def slow(wire, request):
        handed_over(wire, request)
        return answer(TAKEN, pieces=2, each_s=7.0)(wire, request)

    wire = Wire(slow)
    assert wire.account().create(LARGE) == Accepted("t1", "r")
    assert wire.now - START > 40


@pytest.mark.parametrize(("blocks", "kind"), [(2, Refused), (None, Ambiguous)])
def test_a_large_body_that_broke_off_made_no_task_and_one_that_is_out_may_have(blocks, kind):
    def cut(wire, request):
        handed_over(wire, request, blocks)
        return requests.ConnectionError("reset")

    outcome = Wire(cut).account().create(LARGE)
    assert isinstance(outcome, kind)
    assert isinstance(outcome, Ambiguous) or outcome.waits


def test_a_large_body_whose_lease_is_over_is_broken_off_and_waits():
    def slow(wire, request):
        try:
            handed_over(wire, request)
        except TooSlow as error:
            return error
        raise AssertionError("nobody broke it off")

    outcome = Wire(slow).account().create(LARGE, START + 12)
    assert isinstance(outcome, Refused)
    assert outcome.waits


NEVER = [
    requests.ConnectTimeout("t"),
    requests.exceptions.InvalidURL("u"),
    requests.ConnectionError(urllib3.exceptions.NewConnectionError(None, "no")),
    requests.ConnectionError(urllib3.exceptions.NewConnectionError(None, "no"), "more"),
    requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(
            None, "/", urllib3.exceptions.NameResolutionError("h", None, OSError("no"))
        )
    ),
    requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED: self-signed"),
]
PERHAPS = [
    requests.ConnectionError(),
    requests.ConnectionError("reset"),
    requests.ConnectionError(urllib3.exceptions.ProtocolError("reset")),
    requests.ReadTimeout("t"),
    requests.exceptions.SSLError("UNEXPECTED_EOF_WHILE_READING"),
    requests.exceptions.SSLError(),
    requests.exceptions.ChunkedEncodingError("odd"),
    OSError("odd"),
    ValueError("odd"),
]


@pytest.mark.parametrize("error", NEVER, ids=repr)
def test_what_never_had_a_connection_made_no_task_and_waits(error):
    outcome = Wire(error).account().create(SMALL)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.waits) == (errors.UPSTREAM_UNAVAILABLE, True)


@pytest.mark.parametrize("error", PERHAPS, ids=repr)
def test_whatever_else_goes_wrong_may_have_made_one(error):
    assert isinstance(Wire(error).account().create(SMALL), Ambiguous)


def test_a_connection_that_breaks_while_the_answer_is_read_is_ambiguous():
    broken = answer(b"", pieces=[b'{"output":', OSError("reset")])
    assert isinstance(Wire(broken).account().create(SMALL), Ambiguous)


def test_a_redirect_is_followed_nowhere():
    wire = Wire(answer(TAKEN, 307, Location="http://elsewhere.example/"))
    assert isinstance(wire.account().create(SMALL), Ambiguous)
    assert isinstance(wire.account().list(), QueryFailed)
    assert {request.url.partition("/api")[0] for request in wire.asked} == {"http://up.example"}


# A query


def test_an_answer_may_be_packed():
    packed = gzip.compress(json.dumps({"output": {"task_status": "RUNNING"}}).encode())
    wire = Wire(answer(packed, **{"Content-Encoding": "gzip"}))
    assert wire.account().get("t1").status == "RUNNING"


@pytest.mark.parametrize(("size", "read"), [(1 << 20, True), ((1 << 20) + 1, False)])
def test_an_answer_is_no_longer_than_a_mebibyte(size, read):
    data = json.dumps({"output": {"task_status": "RUNNING"}}).encode()
    found = Wire(answer(data + b" " * (size - len(data)))).account().get("t1")
    assert isinstance(found, QueryFailed) is not read


@pytest.mark.parametrize(("each_s", "read"), [(4.0, True), (5.0, True), (5.1, False)])
def test_an_answer_to_a_query_is_read_for_fifteen_seconds(each_s, read):
    wire = Wire(answer({"output": {"task_status": "RUNNING"}}, pieces=3, each_s=each_s))
    assert isinstance(wire.account().get("t1"), QueryFailed) is not read


@pytest.mark.parametrize(
    ("status", "data", "kind", "message", "limited"),
    [
        (200, b"<html>", errors.UPSTREAM_UNAVAILABLE, "HTTP 200", False),
        (200, b"[]", errors.UPSTREAM_UNAVAILABLE, "HTTP 200", False),
        (201, {"code": "C"}, errors.UPSTREAM_UNAVAILABLE, "C", False),
        (400, {"code": "C", "message": "m"}, errors.UPSTREAM_UNAVAILABLE, "m", False),
        (
            400,
            {"output": {"task_status": "RUNNING"}},
            errors.UPSTREAM_UNAVAILABLE,
            "HTTP 400",
            False,
        ),
        (401, {"code": "C"}, errors.UPSTREAM_AUTH, "C", False),
        (403, {"code": "C"}, errors.UPSTREAM_AUTH, "C", False),
        (404, {"code": "C"}, errors.UPSTREAM_UNAVAILABLE, "C", False),
        (429, {"code": "C"}, errors.RATE_LIMITED, "C", True),
        (429, b"", errors.RATE_LIMITED, "HTTP 429", True),
        (500, {}, errors.UPSTREAM_UNAVAILABLE, "HTTP 500", False),
    ],
)
def test_a_query_that_brought_nothing_says_why(status, data, kind, message, limited):
    found = Wire(answer(data, status)).account().get("t1")
    assert (found.kind, found.limited) == (kind, limited)
    assert found.message == message


# A list


def paged(rows, number=1, *, total=None, takes_s=()):
    """A list of so many pages with one row each, or all on the first."""

    def made(wire, request):
        page = int(re.search(r"page_no=(\d+)", request.url)[1])
        wire.now += takes_s[page - 1] if takes_s else 0.0
        share = rows if number == 1 else rows[page - 1 : page]
        told = total[page - 1] if total else len(rows)
        return answer({"data": share, "total": told, "total_page": number})(wire, request)

    return Wire(made)


def rows_of(number):
    return [row(f"t{index}", START - 60) for index in range(number)]


def test_a_list_of_one_page_is_asked_for_once_and_waits_for_nothing():
    wire = paged(rows_of(2))
    found = wire.account().list()
    assert [one.task_id for one in found.rows] == ["t0", "t1"]
    assert (found.at, wire.slept, len(wire.asked)) == (START, [], 1)
    assert wire.asked[0].url.endswith("?page_no=1&page_size=50")


def test_pages_are_asked_for_at_a_pace_and_no_more_than_there_are():
    wire = paged(rows_of(3), 3)
    found = wire.account().list()
    assert [one.task_id for one in found.rows] == ["t0", "t1", "t2"]
    assert wire.slept == [0.125, 0.125]
    assert len(wire.asked) == 3


@pytest.mark.parametrize(("pages", "whole"), [(99, True), (100, True), (101, False)])
def test_a_list_has_a_hundred_pages_at_most(pages, whole):
    wire = paged(rows_of(pages), pages)
    assert isinstance(wire.account().list(), Listing) is whole
    assert len(wire.asked) == min(pages, 100)


@pytest.mark.parametrize(("second_s", "whole"), [(0.0, True), (9.875, True), (10.0, False)])
def test_a_list_that_takes_longer_than_twenty_seconds_is_none(second_s, whole):
    """Ten for the first page, an eighth between the two."""
    found = paged(rows_of(2), 2, takes_s=(10.0, second_s)).account().list()
    assert isinstance(found, Listing) is whole


@pytest.mark.parametrize(
    ("rows", "total", "whole"),
    [
        (rows_of(2), [2, 2], True),
        (rows_of(2), [3, 2], False),
        (rows_of(2), [2, 3], False),
        (rows_of(2), [3, 3], False),
        (rows_of(2), [1, 1], False),
        ([row("t0", START), row("t0", START)], [2, 2], False),
        ([row(None, START), row(None, START)], [2, 2], True),
        ([row("t0", START), row(None, START)], [2, 2], True),
    ],
)
def test_pages_that_do_not_fit_together_are_no_list(rows, total, whole):
    assert isinstance(paged(rows, 2, total=total).account().list(), Listing) is whole


def test_a_list_in_an_unknown_shape_or_none_is_no_list():
    assert isinstance(Wire(answer({"data": {}})).account().list(), QueryFailed)
    assert Wire(answer({"code": "C"}, 500)).account().list().message == "C"


@pytest.mark.parametrize("ahead_s", [0, 120, -120])
@pytest.mark.parametrize(
    ("off_s", "told"),
    [
        (-60.0, True),
        (-26 * HOUR_S, True),
        (-26 * HOUR_S - 1, False),
        (900.0, True),
        (901.0, False),
        (None, False),
    ],
)
def test_a_rows_times_are_by_our_clock_and_within_what_a_list_can_hold(ahead_s, off_s, told):
    one = row("t0", None if off_s is None else START + ahead_s + off_s)
    one["end_time"] = one["gmt_create"]
    account = paged([one]).account()
    shown(account.clock, START, ahead_s - (ahead_s < 0))
    (found,) = account.list().rows
    expected = START + off_s if told else None
    assert (found.created_at, found.ended_at) == (expected, expected)


def test_the_times_of_a_task_are_by_our_clock():
    data = {"output": {"task_status": "RUNNING", "submit_time": "2026-05-29 04:26:40.000"}}
    account = Wire(answer(data)).account()
    shown(account.clock, START, 120)
    plain = Wire(answer(data)).account().get("t1").times
    assert account.get("t1").times == {name: at - 120 for name, at in plain.items()}
