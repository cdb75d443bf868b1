"""Real processes under SIGKILL; the long mode is `infra/dev simulate --processes --kills 100`."""

import pytest

from tests.processes.kills import kill_often


@pytest.mark.timeout(600)
def test_six_kills_under_load_lose_nothing_and_pay_nothing_twice():
    jobs, _met, killed, wrong = kill_often(6, seed=3, pause_s=3.0, each=2)
    assert wrong == []
    assert jobs >= 3
    assert sum(killed.values()) == 6
