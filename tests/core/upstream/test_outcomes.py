"""Closed types of what the upstream says: an unknown word never ends a task, half a row is not whole."""

from dataclasses import replace

import pytest

from lib.core.errors import UPSTREAM_FAILED
from lib.core.upstream.outcomes import Listing, QueryFailed, Row, TaskStatus

WHOLE = Row("t1", TaskStatus.RUNNING, "wan2.2-kf2v-flash", "77", 5.0)


@pytest.mark.parametrize("word", ["NEW_WORD", "", None, 7])
def test_a_word_that_nobody_knows_means_that_the_task_goes_on(word):
    assert TaskStatus.parse(word) is TaskStatus.RUNNING


def test_known_words_are_read_in_any_case():
    assert {TaskStatus.parse(word.lower()) for word in TaskStatus} == set(TaskStatus)


@pytest.mark.parametrize("name", ["task_id", "status", "model", "api_key_id", "created_at"])
def test_a_row_without_one_of_its_facts_is_not_whole(name):
    assert WHOLE.whole
    assert not replace(WHOLE, **{name: None}).whole


def test_a_list_knows_the_tasks_whose_id_and_status_it_told():
    rows = (WHOLE, replace(WHOLE, task_id=None), replace(WHOLE, task_id="t2", status=None))
    assert Listing(rows, 9.0).known() == {"t1": WHOLE}


def test_a_query_that_failed_is_known_by_its_code_and_else_by_its_sentence():
    assert QueryFailed(UPSTREAM_FAILED, "sentence", "Code").why == "Code"
    assert QueryFailed(UPSTREAM_FAILED, "sentence").why == "sentence"
