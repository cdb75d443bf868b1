"""schemathesis over a running service; the long mode is `python -m tests.web.fuzz --cases 10000`."""

import pytest

from tests.web.fuzz import against_processes


@pytest.mark.clients
def test_no_call_breaks_the_service_and_no_answer_is_undocumented():
    total, wrong = against_processes(330)
    assert wrong == []
    assert total >= 500
