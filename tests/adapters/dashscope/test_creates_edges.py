"""A create on the wire, at the edges: what no task can have come of, how long its answer is read."""

import contextlib
import json

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from lib.adapters.dashscope import DashScope, creates
from lib.core import errors
from lib.core.jobs.intent import PlainRequest
from lib.core.upstream.blocks import TooSlow
from lib.core.upstream.create import Order
from lib.core.upstream.outcomes import Accepted, Ambiguous, Refused
from tests.world import START

LINK = "https://frames.example/a.png"
SMALL = Order(PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5), LINK, LINK)
LARGE = Order(SMALL.request, "data:image/png;base64," + "A" * 500_000, LINK)
TAKEN = {"output": {"task_id": "t1", "task_status": "PENDING"}, "request_id": "r"}


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
