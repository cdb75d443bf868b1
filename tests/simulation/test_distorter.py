"""The distorter itself: by shape, seeded, and never a well-formed lie."""

import json
import random

import pytest

from tests.simulation.distorter import GARBLED, Answer, Distorter

TASK = "0385dc79-5ff8-4d82-bcb6-000000000001"
CREATED = {"output": {"task_status": "PENDING", "task_id": TASK}, "request_id": "r"}
ROW = {
    "api_key_id": "40000",
    "gmt_create": 1780000000000,
    "model_name": "wan2.2-kf2v-flash",
    "status": "SUCCEEDED",
    "task_id": TASK,
}
LIST = {
    "total": 3,
    "data": [ROW, {**ROW, "task_id": "b"}, {**ROW, "task_id": "c"}],
    "total_page": 1,
}
QUERIED = {
    "output": {"task_id": TASK, "task_status": "SUCCEEDED", "orig_prompt": "p", "video_url": "u"}
}
OBJECT = {
    "name": "n",
    "generation": "5",
    "metageneration": "1",
    "metadata": {"stage": "running", "until": "17.5", "by": "x"},
}
OBJECTS = {"items": [OBJECT, {**OBJECT, "name": "m"}]}
TRIES = 1500


def answer(data, status=200):
    body = json.dumps(data).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Date": "d"}
    return Answer(status, headers, body)


def odd(operation, data, *, made=False, seed=0, tries=TRIES):
    distorter = Distorter(random.Random(seed))
    return [distorter.distort(operation, answer(data), made=made) for _ in range(tries)]


def parsed(found):
    """The JSON of those that still have any."""
    for one, _name in found:
        try:
            data = json.loads(one.body)
        except ValueError:
            continue
        if isinstance(data, dict):
            yield one, data


@pytest.mark.parametrize(
    ("operation", "data"),
    [("create", CREATED), ("get", QUERIED), ("list", LIST), ("look", OBJECTS), ("write", OBJECT)],
)
def test_each_way_is_met_and_the_same_seed_says_the_same(operation, data):
    found = odd(operation, data)
    names = {name for _one, name in found}
    assert names >= {"header_gone", "header_garbled", "body_cut", "body_shortened", "content_type"}
    assert names >= {"html", "status", "retry_after", "json_null", "json_missing", "json_type"}
    assert found[:200] == odd(operation, data, tries=200)


def test_an_accepted_create_never_looks_refused_and_never_has_another_id():
    for one, _name in odd("create", CREATED, made=True):
        assert one.status != 429
        try:
            data = json.loads(one.body)
        except ValueError:
            continue
        assert "code" not in data
        output = data.get("output")
        if isinstance(output, dict) and isinstance(task := output.get("task_id"), str):
            assert task in {TASK, "", GARBLED, "²"} or len(task) > 1000


def test_a_list_is_never_short_and_says_so():
    for _one, data in parsed(odd("list", LIST)):
        rows, total = data.get("data"), data.get("total")
        if isinstance(rows, list) and len(rows) < 3:
            assert total == 3


def test_a_row_is_never_another_keys_or_another_models():
    for _one, data in parsed(odd("list", LIST)):
        rows = data.get("data")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                assert not isinstance(row.get("api_key_id"), str) or row["api_key_id"] in {
                    "40000",
                    "",
                }
                assert not isinstance(row.get("model_name"), str) or row["model_name"] in {
                    "wan2.2-kf2v-flash",
                    "",
                }


def test_a_success_is_never_told_as_another_end_nor_its_prompt_as_another():
    for _one, data in parsed(odd("get", QUERIED)):
        output = data.get("output")
        if isinstance(output, dict):
            assert output.get("task_status") not in ["FAILED", "CANCELED", "UNKNOWN"]
            assert not isinstance(output.get("orig_prompt"), str) or output["orig_prompt"] == "p"


def test_a_folder_is_never_told_empty_nor_shorter():
    for _one, data in parsed(odd("look", OBJECTS)):
        if "error" not in data:
            assert "items" in data
            assert data["items"] is None or data["items"] not in ([], {}, "")
            assert (
                not isinstance(data["items"], list)
                or len(data["items"]) >= 2
                or data["items"] == [7]
            )


def test_a_state_in_metadata_keeps_its_keys_and_its_words():
    for _one, data in parsed(odd("write", OBJECT)):
        kept = data.get("metadata")
        if isinstance(kept, dict) and kept not in ({}, {"a": 1}):
            assert kept.keys() == {"stage", "until", "by"}
            assert kept["stage"] in {"running", None}
            assert kept["by"] in {"x", None}


def test_numbers_go_beyond_what_a_reader_can_hold():
    bodies = b"".join(one.body for one, _name in odd("list", LIST))
    assert b"1e400" in bodies
    assert b"9" * 5000 in bodies
