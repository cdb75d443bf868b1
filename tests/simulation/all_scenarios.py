"""The scenarios in which each guard of the protocol is needed: without it, an invariant falls.

`python -m tests.simulation.all_scenarios NAME` runs one; it says `broken:` and why.
"""

from __future__ import annotations

import os
import sys

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
# Only now, since the storage client reads its environment when it is imported.
from tests.simulation.invariants import Broken
from tests.simulation.scenario_runner import ScenarioRunner
from tests.simulation.scenarios import doubting, ending, submitting, telling


def scenarios():
    """Name to scenario."""
    found = {}
    for book in (submitting, doubting, ending, telling):
        own = [
            one for one in vars(book).values() if getattr(one, "__module__", "") == book.__name__
        ]
        found |= {one.__name__: one for one in own if not one.__name__.startswith("_")}
    return found


def run_scenario(name):
    """Run one to its end.

    Raises:
        Broken: an invariant fell.
    """
    runner = ScenarioRunner(name)
    scenarios()[name](runner)
    runner.end()
    return runner


def main(names):
    """Run some, or all; returns 1 when one broke."""
    broken = 0
    for name in names or scenarios():
        try:
            run_scenario(name)
        except Broken as reason:
            broken += 1
            print(f"broken: {name}: {reason}")
        except LookupError as reason:
            broken += 1
            print(f"not run: {name}: {reason}")
        else:
            print(f"held: {name}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
