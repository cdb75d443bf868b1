"""An answer of the bucket that has another shape than it should is no answer: tried again, never a crash."""

import json

import pytest
from google.auth.exceptions import RefreshError
from requests import Response

from tests.flows.odd import events, look
from tests.hooks import with_body
from tests.world import STORAGE


class Bent:
    """A transport whose JSON answers are changed on the way.

    Args:
        inner: the transport.
        fits: which requests, by method and URL.
        change: from the parsed answer to another one, or raises.
        times: how many answers are changed.
    """

    def __init__(self, inner, fits, change, times):
        self._inner, self._fits, self._change, self.left = inner, fits, change, times

    def send(self, request, **options):
        """Answer one prepared request."""
        answer = self._inner.send(request, **options)
        json_type = "json" in answer.headers.get("Content-Type", "")
        if not self.left or not json_type or not self._fits(request.method, request.url):
            return answer
        self.left -= 1
        changed = self._change(json.loads(answer.content))
        if isinstance(changed, Response):
            return changed
        body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return with_body(answer, body)

    def close(self):
        """Nothing is held open."""


def bent(world, fits, change, times=1_000_000):
    """An instance that sees the bucket through a bent wire, and the wire."""
    wires = []

    def connect():
        session = world.session()
        wire = Bent(session.get_adapter(STORAGE), fits, change, times)
        session.mount(STORAGE, wire)
        wires.append(wire)
        return session

    return world.instance(connect=connect), wires


def listing(method, url):
    return method == "GET" and "/o?" in url


def single(method, url):
    return method == "GET" and "/o/" in url and "alt=media" not in url


def writes(method, _url):
    return method in {"POST", "PATCH"}


def items(change):
    """A change of every item of a list."""

    def changed(answer):
        found = [change(item) for item in answer.get("items", [])]
        return {**answer, "items": found} if found else answer

    return changed


def without(*names):
    return lambda item: {name: value for name, value in item.items() if name not in names}


def given(**fields):
    return lambda item: {**item, **fields}


LISTS = {
    "no object": lambda _answer: [],
    "no JSON": lambda _answer: b"<html>",
    "cut": lambda answer: json.dumps(answer).encode()[:-9],
    "items null": given(items=None),
    "items a text": given(items="all"),
    "an item null": lambda answer: {**answer, "items": [None, *answer.get("items", [])]},
    "an item a list": lambda answer: {**answer, "items": [[], *answer.get("items", [])]},
    "an item twice": lambda answer: {**answer, "items": 2 * answer.get("items", [])},
    "a token of another type": given(nextPageToken=7),
    "an empty token": given(nextPageToken=""),
    "an endless token": given(nextPageToken="again"),
    **{f"no {name}": items(without(name)) for name in ("name", "generation", "metageneration")},
    **{f"no {name}": items(without(name)) for name in ("size", "timeCreated")},
    **{
        f"{name} {value!r}": items(given(**{name: value}))
        for name in ("name", "generation", "metageneration", "size", "timeCreated")
        for value in (None, [], {}, "", "\u00b2", "-1", 10**400, "1e400")
    },
}


@pytest.mark.parametrize("what", LISTS)
def test_a_list_of_another_shape_is_no_list(world, capsys, what):
    job_id = world.post().get_json()["id"]
    name = f"pending/local/{job_id}.json"
    before = look(world, name)
    other, _ = bent(world, listing, LISTS[what])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is looked at below
        other.tick()
    assert getattr(caught.value, "kind", None), repr(caught.value)
    assert caught.value.kind.code == "storage_unavailable"
    assert look(world, name) == before
    assert not events(capsys.readouterr().out, "tick.job_failed")
    world.run()
    assert world.job(job_id)["status"] == "completed"
    assert len(world.paid()) == 1


@pytest.mark.parametrize("fits", [listing, single, writes])
@pytest.mark.parametrize("what", ["no JSON", "cut", "no object", "no generation", "an odd time"])
def test_one_odd_answer_is_asked_for_again(world, fits, what):
    changes = {
        "no JSON": lambda _answer: b"<html>",
        "cut": lambda answer: json.dumps(answer).encode()[:-9],
        "no object": lambda _answer: None,
        "no generation": lambda answer: (
            items(without("generation"))(answer)
            if "items" in answer
            else without("generation")(answer)
        ),
        "an odd time": lambda answer: (
            items(given(timeCreated=5))(answer)
            if "items" in answer
            else given(timeCreated=5)(answer)
        ),
    }
    job_id = world.post().get_json()["id"]
    other, wires = bent(world, fits, changes[what], times=3)
    for _ in range(6):
        summary = other.tick()
        assert summary.get("errors", 0) == 0, summary
        world.clock.advance(60)
    assert any(wire.left == 0 for wire in wires)
    assert world.job(job_id)["status"] == "completed"
    assert len(world.paid()) == 1


@pytest.mark.parametrize("value", [None, [], "text", 7, {"stage": None}, {"stage": ["queued"]}])
def test_odd_metadata_is_that_one_objects_matter(world, value):
    odd_id = world.post(prompt="odd").get_json()["id"]
    job_id = world.post().get_json()["id"]

    def change(item):
        return {**item, "metadata": value} if odd_id in item["name"] else item

    other, _ = bent(world, listing, items(change))
    before = look(world, f"pending/local/{odd_id}.json")
    for _ in range(4):
        assert other.tick()["unreadable"] == 1
        world.clock.advance(60)
    assert world.job(job_id)["status"] == "completed"
    assert look(world, f"pending/local/{odd_id}.json") == before
    (odd,) = other.context.jobs.inbox().unreadable
    assert odd.may_have_task == (value is not None)


@pytest.mark.parametrize("error", [RefreshError("no token"), ValueError("odd"), KeyError("id")])
def test_no_token_is_no_answer(world, error):
    def fail(_answer):
        raise error

    job_id = world.post().get_json()["id"]
    other, _ = bent(world, lambda *_: True, fail)
    for _ in range(2):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is looked at below
            other.tick()
        assert caught.value.kind.code == "storage_unavailable"
    world.run()
    assert world.job(job_id)["status"] == "completed"


@pytest.mark.parametrize("status", [400, 401, 403, 416])
def test_whatever_the_bucket_refuses_is_an_answer_of_ours(world, status):
    def refuse(_answer):
        answer = Response()
        answer.status_code, answer._content = status, b"{}"
        return answer

    other, _ = bent(world, listing, refuse)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its kind is looked at below
        other.tick()
    assert caught.value.kind.code == "storage_unavailable"
