"""Answers of the emulated upstream on HTTP: JSON with letters as letters, in the service's own type."""

import pytest

from lib.emulator.upstream.routing import as_json, as_task_json

DATA = {"message": "雨", "output": None}


@pytest.mark.parametrize("make", [as_json, as_task_json])
def test_an_answer_is_its_data_in_json(make):
    answer = make(DATA)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_json() == DATA
    assert "雨".encode() in answer.data


def test_a_status_goes_with_it():
    assert as_json(DATA, 429).status_code == 429


def test_an_answer_about_tasks_has_the_type_that_the_service_gives_it(emulated):
    task = emulated.create()
    told = emulated.call("GET", f"/tasks/{task}").headers["Content-Type"]
    assert told == as_task_json(DATA).content_type
    assert told != as_json(DATA).content_type
