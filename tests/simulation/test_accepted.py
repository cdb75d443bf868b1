"""The table "accepted tasks per intent", cell by cell."""

import pytest

from tests.bench.accepted import CASES, LAGS_S, cell


@pytest.mark.parametrize("lag_s", LAGS_S)
@pytest.mark.parametrize("name", CASES)
def test_one_accepted_task_per_intent_when(name, lag_s):
    assert cell(name, lag_s) == (1, "completed")
