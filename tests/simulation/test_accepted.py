"""The table "accepted tasks per intent", cell by cell."""

import pytest

from tests.bench.accepted import CASES, LAGS_S, UNKNOWN, cell, right


@pytest.mark.parametrize("lag_s", LAGS_S)
@pytest.mark.parametrize("name", CASES)
def test_one_accepted_task_per_intent_when(name, lag_s):
    tasks, ending, why = cell(name, lag_s)
    assert right(name, tasks, ending, why), (tasks, ending, why)
    assert (tasks, ending) == (1, "submit_unknown" if name in UNKNOWN else "completed")
