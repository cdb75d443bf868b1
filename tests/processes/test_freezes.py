"""Real processes stopped between check and socket and inside copies; the long form is `infra/dev simulate --processes --freezes 100`."""

import pytest

from tests.processes.freezes import CREATE, SHORT, Freeze, run


@pytest.mark.timeout(600)
def test_a_process_that_stood_still_pays_nothing_twice_and_loses_no_film():
    assert run(SHORT) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_freeze_outside_the_stated_bounds_is_seen_in_the_books():
    """Without a token of the upstream's nobody can prevent it; a judge that held here would be blind."""
    outside = Freeze("far outside", "api", "upstream", CREATE, "request", 250.0)
    (wrong,) = run([outside])
    assert "paid 2 times" in wrong
