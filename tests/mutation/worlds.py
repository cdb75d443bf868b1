"""A few simulated worlds of fixed seeds, as tests for mutants: asked last, since each takes a second."""

import os

import pytest

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
# Only now, since the storage client reads its environment when it is imported.
from tests.simulation.runs import Life


@pytest.mark.parametrize("seed", [2, 6, 8])
def test_a_world_lives_through(seed):
    Life(seed).run()
