"""Real processes under SIGKILL; the long mode is `infra/dev simulate --processes --kills 100`."""

from tests.processes.kills import kill_often


def test_six_kills_under_load_lose_nothing_and_pay_nothing_twice():
    jobs, _met, killed, wrong = kill_often(6, seed=3, pause_s=3.0)
    assert wrong == []
    assert jobs >= 3
    assert sum(killed.values()) == 6
