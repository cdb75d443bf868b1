"""What a task's report says, however odd it is: bounded texts, sane times, and honest money."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.jobs.job import Failure, Stage, State, Status, Verdict
from lib.core.protocol.decide import Copy, End, Keep, decide, lost_link
from lib.core.upstream import reader
from lib.core.upstream.outcomes import Report, TaskStatus
from lib.flows.tasks.verdicts import unknown

NOW = 1_780_000_000.0
MOMENT = "2026-05-29 04:26:40"  # NOW in UTC+8
ODD = [None, [], [1], {}, {"a": [1]}, 7, -1, 1.5, True, "\ud800", "x" * 10_000_000]


def said(status, **fields):
    return {"output": {"task_status": status, "task_id": "t", **fields}}


def read(data):
    found = reader.report("t", data, NOW)
    assert found is not None
    return found


def state(**fields):
    return State(Stage.RUNNING, "b" * 16, NOW - 100, task_id="t", accepted_at=NOW - 100, **fields)


def end(report, **fields):
    found = decide(state(**fields), report, NOW, 24 * 3600.0, reader.classify)
    assert isinstance(found, End)
    return found.verdict


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (MOMENT, NOW),
        (f"{MOMENT}.004", NOW + 0.004),
        ("2026-05-29T04:26:40+08:00", NOW),
        ("2026-05-28T20:26:40Z", NOW),
        ("2026-05-28T20:26:40+00:00", NOW),
        ("2026-05-28 13:26:40-07:00", NOW),
        ("2026-05-30 04:26:39", NOW + 86399),
        ("2026-05-30 04:26:41", None),  # more than a day ahead
        ("2026-05-22 04:26:41", NOW - 7 * 86400 + 1),
        ("2026-05-22 04:26:39", None),  # older than any record that can still be asked for
        ("2019-12-31 23:59:59", None),
        ("0001-01-01 00:00:00", None),
        ("9999-12-31 23:59:59-12:00", None),
        ("2026-05-29", None),  # a day is no time
        ("", None),
        *[(odd, None) for odd in (*ODD, 20260529, NOW, NOW * 1000, float("inf"))],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_time_keeps_its_zone_and_is_none_out_of_its_range(text, seconds):
    found = read(said("SUCCEEDED", end_time=text, submit_time=text, scheduled_time=text)).times
    wanted = {} if seconds is None else dict.fromkeys(("submitted", "started", "ended"), seconds)
    assert found == pytest.approx(wanted)


def test_a_time_without_a_now_still_lies_in_this_century():
    fields = {"submit_time": "2019-12-31 23:59:59", "end_time": "2126-01-01 00:00:00"}
    assert reader.report("t", said("SUCCEEDED", **fields)).times == {}


@pytest.mark.parametrize("odd", ODD, ids=lambda value: repr(value)[:20])
def test_texts_of_any_type_and_size_are_texts_within_bounds(odd):
    names = ("orig_prompt", "actual_prompt", "message", "code", "video_url")
    for status in TaskStatus:
        began = time.monotonic()
        found = read(said(str(status), **dict.fromkeys(names, odd)))
        assert time.monotonic() - began < 20  # nothing in it grows with the square of a length
        for name in ("message", "code", "video_url"):
            text = getattr(found, name)
            assert isinstance(text, str)
            assert len(text.encode("utf-8", "surrogatepass")) <= 70_000
        for text in (found.orig_prompt, found.actual_prompt):
            assert text is None or len(text.encode()) <= 40_000
        assert odd != "x" * 10_000_000 or found.video_url == ""  # half a link leads nowhere
        storable(decide(state(), found, NOW, 24 * 3600.0, reader.classify))


def test_a_message_of_links_only_is_read_in_no_time():
    began = time.monotonic()
    text = reader.sentence("http://" * 1_000_000)
    assert time.monotonic() - began < 5
    assert len(text) <= reader.MESSAGE_AT_MOST
    assert reader.sentence(f"see https://h/x?sig=1 {'y' * 9000}").startswith("see https://h/x ")


def storable(decision):
    """A verdict's body is written as it is read, and is no novel."""
    if isinstance(decision, End):
        body = json.dumps(decision.verdict.to_json(), ensure_ascii=False).encode()
        assert len(body) < 100_000
        assert Verdict.from_json(json.loads(body)) == decision.verdict


def nested(levels):
    found = 1
    for _ in range(levels):
        found = {"a": found}
    return found


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=60
)


@settings(deadline=None, max_examples=200)
@given(usage=TREES | st.just({"SR": 10**4000}) | st.just(nested(900)))
def test_usage_of_any_shape_is_kept_within_bounds(usage):
    found = read({**said("FAILED"), "usage": usage})
    text = json.dumps(found.usage, allow_nan=False, ensure_ascii=False).encode()
    assert isinstance(found.usage, dict)
    assert len(text) < 50_000
    storable(decide(state(), found, NOW, 24 * 3600.0, reader.classify))


def test_usage_as_documented_is_kept_whole():
    for usage in (
        {"video_duration": 5, "video_count": 1, "SR": 720},
        {"video_duration": 5, "video_count": 1, "video_ratio": "standard"},
        {"video_duration": 4.84, "detail": {"input": [1, 2], "output": None}},
    ):
        assert read({**said("SUCCEEDED"), "usage": usage}).usage == usage
    wide = read({**said("SUCCEEDED"), "usage": {str(n): [[n]] * 100 for n in range(10_000)}}).usage
    assert len(json.dumps(wide)) < 50_000


def test_an_answer_that_is_nested_without_end_is_no_answer():
    assert reader.parse(b'{"usage":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001) is None


USED = {"video_duration": 5, "video_count": 1}
SEEN = [{"tries": 1}, {"ended_at": NOW - 10}]


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELED])
def test_only_successes_are_billed_and_a_contradiction_is_nobodys_knowledge(status):
    assert end(Report("t", status)).paid is False
    assert end(Report("t", status, usage={"video_duration": 0, "video_count": 0})).paid is False
    assert end(Report("t", status, usage={"paid": False, "SR": "720"})).paid is False
    # It says that something was used, or it was seen as a success before.
    assert end(Report("t", status, usage=USED)).paid is None
    assert [end(Report("t", status), **seen).paid for seen in SEEN] == [None, None]


def test_a_task_that_nobody_knows_any_more_is_billed_if_its_film_was_seen():
    gone = Report("t", TaskStatus.UNKNOWN)
    old = State(Stage.RUNNING, "b" * 16, 0.0, task_id="t", accepted_at=NOW - 90_000)
    assert decide(old, gone, NOW, 24 * 3600.0, reader.classify).verdict.paid is None
    for seen in SEEN:
        known = State(Stage.RUNNING, "b" * 16, 0, task_id="t", accepted_at=NOW - 90_000, **seen)
        found = decide(known, gone, NOW, 24 * 3600.0, reader.classify)
        assert (found.verdict.status, found.verdict.paid) == (Status.FAILED, True)
    assert lost_link(state(), Report("t", TaskStatus.SUCCEEDED), NOW).paid is True


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUSPENDED", None, 7, [], "running"])
def test_a_status_that_nobody_knows_still_runs(status):
    assert isinstance(decide(state(), read(said(status)), NOW, 1.0, reader.classify), Keep)
    done = decide(state(), read(said("succeeded")), NOW, 1.0, reader.classify)
    assert isinstance(done, Copy)


def test_an_honest_not_knowing_has_its_reason_and_a_bounded_list_of_tasks():
    plain = unknown(NOW, ())
    assert isinstance(plain.failure, Failure)
    assert "did not answer the submit" not in plain.failure.message
    reason = "its account is gone from the settings."
    assert reason in unknown(NOW, (), reason).failure.message
    many = tuple(f"task-{n}" for n in range(5000))
    found = unknown(NOW, many)
    assert (found.candidates, found.paid) == (many, None)
    assert "task-0, " in found.failure.message
    assert "and 4980 more" in found.failure.message
    assert len(found.failure.message) < 2000
