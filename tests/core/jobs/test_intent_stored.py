"""What lies in a bucket is read into typed records and written again byte for byte."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core.jobs.job import Failure, Intent, PlainRequest, StoredVideo, Verdict
from lib.core.outside.records import NotReadable
from lib.core.request import VideoRequest

FILE = Path(__file__).parents[2] / "flows/stored_without_schema.json"
BODIES = {
    one["name"]: one["body"]
    for one in json.loads(FILE.read_text("utf-8"))["objects"]
    if one["name"].startswith(("pending/", "jobs/")) and one["body"]
}
WORDS = {"ensure_ascii": False, "separators": (",", ":")}  # as adapters/state writes bodies


def written(data):
    return json.dumps(data, **WORDS)


@pytest.mark.parametrize("name", BODIES)
def test_yesterdays_records_are_written_again_as_they_were(name):
    body = json.loads(BODIES[name])
    assert written(body) == BODIES[name]
    if body.get("deleted"):
        return  # a tombstone
    if name.startswith("pending/"):
        assert written(Intent.from_json(body).to_json()) == BODIES[name]
        return
    intent, verdict = Intent.from_json(body["intent"]), Verdict.from_json(body["verdict"])
    assert written({"intent": intent.to_json(), "verdict": verdict.to_json()}) == BODIES[name]
    assert isinstance(intent.request, PlainRequest)
    assert isinstance(verdict.video, StoredVideo | None)
    assert isinstance(verdict.failure, Failure | None)


requests = st.builds(
    VideoRequest,
    model=st.text(min_size=1, max_size=9),
    prompt=st.none() | st.text(max_size=9),
    negative_prompt=st.none() | st.text(max_size=9),
    template=st.none() | st.just("fly-1"),
    resolution=st.sampled_from(["480P", "720P", "1080P"]),
    seed=st.none() | st.integers(0, 2147483647),
    prompt_extend=st.booleans(),
    watermark=st.booleans(),
    metadata=st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), max_size=3),
    webhook_url=st.none() | st.just("https://a.example/x"),
    first_frame=st.just(b"a"),
    last_frame=st.just(b"b"),
)
newer = st.dictionaries(st.sampled_from(["more", "sound", "turn"]), st.integers() | st.none())


@given(requests, newer)
def test_a_request_is_stored_as_its_plain_fields_and_keeps_what_a_newer_revision_added(
    asked, extra
):
    assert written(asked.plain().to_json()) == written(asked.fields())
    stored = {**asked.fields(), **extra}
    assert written(PlainRequest.from_json(stored).to_json()) == written(stored)


def test_a_film_is_stored_with_its_facts_in_their_order():
    film = StoredVideo("videos/a/x.mp4", 1, 2, "AAAAAA==", 5.0, 832, 480)
    assert written(film.to_json()) == (
        '{"object":"videos/a/x.mp4","generation":1,"bytes":2,"crc32c":"AAAAAA==",'
        '"duration_s":5.0,"width":832,"height":480}'
    )
    assert StoredVideo.from_json(film.to_json()) == film


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", 7), ("seconds", "five"), ("seed", "x"), ("metadata", ["a"]), ("watermark", "no")],
)
def test_an_odd_field_of_a_request_makes_its_record_unreadable(name, value):
    stored = {"model": "m", "resolution": "720P", "seconds": 5, name: value}
    with pytest.raises(NotReadable, match=name):
        PlainRequest.from_json(stored)
