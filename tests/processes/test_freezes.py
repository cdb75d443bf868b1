"""Real processes stopped between check and socket and inside copies; the long form is `infra/dev simulate --processes --freezes 100`."""

import pytest

from tests.processes.freezes import SHORT, run


@pytest.mark.timeout(600)
def test_a_process_that_stood_still_pays_nothing_twice_and_loses_no_film():
    assert run(SHORT) == []
