"""What answers of the upstream mean: whatever JSON comes, in closed types, and never more than it says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core import errors
from lib.core.upstream import reader
from lib.core.upstream.outcomes import (
    Accepted,
    Ambiguous,
    ListPage,
    Refused,
    Report,
    TaskStatus,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
TAKEN = {"output": {"task_id": "t-1", "task_status": "PENDING"}, "request_id": "r-1"}
DAY_S = 86_400.0


def outcome(status, data, retry_after_s=None):
    return reader.outcome(status, json.dumps(data).encode(), retry_after_s)


def test_an_object_is_read_and_nothing_else_is():
    assert reader.parse(b'{"a": 1}') == {"a": 1}
    for body in (b"[1]", b"1", b"null", b"", b"<html>", b"\xff\xfe", b"[" * 100_000):
        assert reader.parse(body) is None


# A create: what it means for money


def test_a_task_that_200_names_is_accepted():
    assert outcome(200, TAKEN) == Accepted("t-1", "r-1")
    assert outcome(200, {"output": {"task_id": "t-1"}}) == Accepted("t-1", "")


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 408, 409, 429, 500, 503])
def test_another_status_with_a_task_is_ambiguous(status):
    assert isinstance(outcome(status, {**TAKEN, "code": "X"}), Ambiguous)


@pytest.mark.parametrize(
    "data",
    [{}, {"output": {}}, {"output": {"task_id": ""}}, {"output": []}, {"output": {"task_id": 7}}],
)
def test_200_without_a_task_is_ambiguous(data):
    assert isinstance(outcome(200, data), Ambiguous)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 409, 422, 499])
def test_a_4xx_with_a_code_is_a_refusal(status):
    found = outcome(status, {"code": "InvalidParameter", "message": "no"})
    assert found == Refused(
        reader.classify("InvalidParameter")[0], "InvalidParameter", "no", waits=False
    )


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, {}),
        (400, {"code": 7}),
        (408, {"code": "X"}),
        (302, {"code": "X"}),
        (500, {"code": "X"}),
        (502, {"code": "ModelUnavailable"}),
        (503, {"code": "X"}),
    ],
)
def test_what_names_neither_a_task_nor_a_refusal_is_ambiguous(status, data):
    assert isinstance(outcome(status, data), Ambiguous)


def test_a_model_that_is_not_available_is_refused_and_waits():
    found = outcome(503, {"code": "ModelUnavailable", "message": "m"})
    assert (found.kind, found.waits, found.limited) == (errors.UPSTREAM_UNAVAILABLE, True, False)


@pytest.mark.parametrize(
    ("data", "kind", "code", "message"),
    [
        ({}, errors.RATE_LIMITED, "429", "429"),
        ({"code": "X", "message": "m"}, errors.RATE_LIMITED, "X", "m"),
        (
            {"code": "Throttling.AllocationQuota"},
            errors.UPSTREAM_QUOTA,
            "Throttling.AllocationQuota",
            "Throttling.AllocationQuota",
        ),
    ],
)
def test_every_429_is_a_refusal_that_waits(data, kind, code, message):
    assert outcome(429, data, 7.0) == Refused(
        kind, code, message, waits=True, limited=True, retry_after_s=7.0
    )


def test_a_code_is_known_by_its_beginning():
    assert reader.classify("InternalError.Timeout") == reader.classify("InternalError")
    assert reader.classify("Throttling.AllocationQuota") != reader.classify("Throttling.RateQuota")
    assert reader.classify("Unheard") == (errors.INVALID_REQUEST, False)


@given(
    st.integers(100, 599),
    JSON | st.fixed_dictionaries({"output": JSON, "code": JSON, "message": JSON}),
)
def test_whatever_comes_is_one_of_the_three(status, data):
    found = outcome(status, data)
    assert isinstance(found, Accepted | Refused | Ambiguous)
    if isinstance(found, Accepted):
        assert status == 200


# A task and a list


def test_a_report_says_what_the_task_says():
    output = {
        "task_status": "SUCCEEDED",
        "video_url": "https://h/v.mp4",
        "orig_prompt": "a",
        "actual_prompt": "b",
    }
    found = reader.report("t", {"output": output, "usage": {"SR": 720}})
    assert found == Report(
        "t", TaskStatus.SUCCEEDED, "https://h/v.mp4", "", "", "a", "b", {"SR": 720}, {}
    )


@pytest.mark.parametrize("data", [{}, {"output": None}, {"output": {}}, {"output": [1]}])
def test_without_a_status_there_is_no_report(data):
    assert reader.report("t", data) is None


@pytest.mark.parametrize(
    ("length", "whole"), [(reader.LINK_AT_MOST, True), (reader.LINK_AT_MOST + 1, False)]
)
def test_a_link_is_whole_or_none(length, whole):
    link = "https://h/" + "a" * (length - 10)
    found = reader.report("t", {"output": {"task_status": "SUCCEEDED", "video_url": link}})
    assert found.video_url == (link if whole else "")


@pytest.mark.parametrize("link", [None, 7, ["https://h/"], {"a": 1}])
def test_what_is_no_text_is_no_link(link):
    assert (
        reader.report("t", {"output": {"task_status": "FAILED", "video_url": link}}).video_url == ""
    )


def test_times_without_a_zone_are_the_services_own():
    output = {
        "task_status": "RUNNING",
        "submit_time": "2026-05-28 20:00:00.000",
        "scheduled_time": "2026-05-28T12:00:05+00:00",
        "end_time": "soon",
    }
    found = reader.report("t", {"output": output}, 1_780_000_000.0)
    assert found.times == {"submitted": 1_779_969_600.0, "started": 1_779_969_605.0}


@pytest.mark.parametrize("total", [None, -1, 1_000_001, "x", 1.5])
@pytest.mark.parametrize("name", ["total", "total_page"])
def test_a_page_without_sound_totals_is_none(name, total):
    assert reader.page({"data": [], "total": 1, "total_page": 1} | {name: total}) is None


@pytest.mark.parametrize("total", [0, 1_000_000])
def test_a_page_bears_its_totals(total):
    assert reader.page({"data": [], "total": total, "total_page": total}) == ListPage(
        (), total, total
    )


def test_a_row_is_read_field_by_field():
    good = {
        "task_id": "t",
        "status": "RUNNING",
        "model_name": "m",
        "api_key_id": 12,
        "gmt_create": 1_780_000_000_500,
        "end_time": None,
    }
    found = reader.page(
        {
            "data": [good, None, {**good, "task_id": "../x", "status": " ", "api_key_id": -1}],
            "total": 3,
            "total_page": 1,
        }
    ).rows
    assert (found[0].task_id, found[0].status, found[0].api_key_id) == (
        "t",
        TaskStatus.RUNNING,
        "12",
    )
    assert (found[0].created_at, found[0].ended_at) == (1_780_000_000.5, None)
    assert {found[1].task_id, found[1].status, found[1].model, found[1].created_at} == {None}
    assert (found[2].task_id, found[2].status, found[2].api_key_id, found[2].model) == (
        None,
        None,
        None,
        "m",
    )


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("a" * 200, True),
        ("a" * 201, False),
        ("", False),
        (0, True),
        (2**63 - 1, True),
        (2**63, False),
        (-1, False),
        (1.5, False),
        (True, False),
    ],
)
def test_a_word_of_a_row_is_short(word, read):
    (row,) = reader.page({"data": [{"model_name": word}], "total": 1, "total_page": 1}).rows
    assert row.model == (str(word) if read else None)


@given(
    JSON,
    st.fixed_dictionaries(
        {
            "task_status": JSON,
            "video_url": JSON,
            "code": JSON,
            "message": JSON,
            "submit_time": JSON,
            "orig_prompt": JSON,
        }
    ),
)
def test_whatever_comes_a_report_is_made_of_texts(usage, output):
    found = reader.report("t", {"output": output, "usage": usage})
    assert isinstance(found.status, TaskStatus)
    assert all(isinstance(text, str) for text in (found.video_url, found.code, found.message))


@given(
    st.fixed_dictionaries(
        {"data": JSON | st.lists(JSON, max_size=3), "total": JSON, "total_page": JSON}
    )
)
def test_whatever_comes_as_a_list_no_row_is_dropped(data):
    found = reader.page(data)
    assert found is None or len(found.rows) == len(data["data"])


def flat(code):
    return f'{{"code": "{code}", "message": "m", "request_id": "r"}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            200,
            b'{"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"}',
            Accepted,
        ),
        (200, b'{"output": {}}', Ambiguous),
        (200, b'{"output": null}', Ambiguous),
        (200, b'{"output": {"task_id": "../../v1/x"}}', Ambiguous),
        (200, b'{"output": {"task_id": "a\\u0000b"}}', Ambiguous),
        (200, b'{"output": {"task_id": 7}}', Ambiguous),
        (200, b"<html>", Ambiguous),
        (201, b'{"output": {"task_id": "t"}}', Ambiguous),
        (302, b"", Ambiguous),
        (400, flat("InvalidParameter"), Refused),
        (400, b"<html>bad gateway</html>", Ambiguous),
        (400, b"[]", Ambiguous),
        (401, flat("InvalidApiKey"), Refused),
        (403, b"denied by a proxy", Ambiguous),
        (404, flat("ModelNotFound"), Refused),
        (408, flat("RequestTimeOut"), Ambiguous),
        (429, flat("Throttling"), Refused),
        (429, b"slow down", Refused),
        (500, flat("InternalError"), Ambiguous),
        (502, b"", Ambiguous),
        (503, flat("ModelUnavailable"), Refused),
        (503, flat("ModelServingError"), Ambiguous),
        (500, flat("ModelUnavailable"), Ambiguous),
        (503, b"", Ambiguous),
        (504, b"", Ambiguous),
    ],
)
def test_refused_means_that_no_task_exists_and_nothing_else_does(status, body, kind):
    assert isinstance(reader.outcome(status, body, None), kind)


@pytest.mark.parametrize(
    ("status", "code", "kind", "waits"),
    [
        (400, "InvalidParameter", errors.INVALID_REQUEST, False),
        (400, "DataInspectionFailed", errors.CONTENT_POLICY, False),
        (400, "InvalidImage.FileFormat", errors.INVALID_FRAME, False),
        (400, "Arrearage", errors.UPSTREAM_QUOTA, True),
        (401, "InvalidApiKey", errors.UPSTREAM_AUTH, True),
        (403, "AccessDenied.Unpurchased", errors.UPSTREAM_AUTH, True),
        (403, "AllocationQuota.FreeTierOnly", errors.UPSTREAM_QUOTA, True),
        (404, "ModelNotFound", errors.UNSUPPORTED_MODEL, False),
        (429, "Throttling.RateQuota", errors.RATE_LIMITED, True),
        (429, "Throttling.AllocationQuota", errors.UPSTREAM_QUOTA, True),
        (429, "Whatever", errors.RATE_LIMITED, True),
    ],
)
def test_what_the_account_is_to_blame_for_waits_and_what_the_request_is_fails(
    status, code, kind, waits
):
    refused = reader.outcome(status, flat(code), None)
    assert (refused.kind, refused.waits, refused.limited) == (kind, waits, status == 429)


@given(st.binary(max_size=300), st.integers(100, 599))
def test_no_answer_can_break_the_reader(body, status):
    assert isinstance(reader.outcome(status, body, None), Accepted | Refused | Ambiguous)


def test_failed_inside_a_200_unknown_and_an_unlisted_word():
    failed = reader.report("t", {"output": {"task_status": "FAILED", "code": "C", "message": "m"}})
    assert (failed.status, failed.code) == (TaskStatus.FAILED, "C")
    assert reader.report("t", {"output": {"task_status": "UNKNOWN"}}).status is TaskStatus.UNKNOWN
    assert reader.report("t", {"output": {"task_status": "SUSPENDED"}}).status is TaskStatus.RUNNING
    assert reader.report("t", {"output": {}}) is None


def test_task_times_are_utc_plus_8():
    times = {"task_status": "RUNNING", "submit_time": "2026-01-26 10:36:58.394"}
    assert reader.report("t", {"output": times}).times == {"submitted": 1769395018.394}
