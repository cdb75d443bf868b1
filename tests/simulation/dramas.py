"""The stories in which each guard of the protocol is needed: without it, the judge finds the damage.

`python -m tests.simulation.dramas NAME` plays one; it says `broken:` and why when an invariant fell.
"""

from __future__ import annotations

import os
import sys

os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
# Only now, since the storage client reads its environment when it is imported.
from tests.simulation.judge import Broken
from tests.simulation.stories import doubting, ending, submitting, telling
from tests.simulation.theatre import Theatre


def dramas():
    """Name to story."""
    found = {}
    for book in (submitting, doubting, ending, telling):
        own = [
            one for one in vars(book).values() if getattr(one, "__module__", "") == book.__name__
        ]
        found |= {one.__name__: one for one in own if not one.__name__.startswith("_")}
    return found


def perform(name):
    """Play one story to its end.

    Raises:
        Broken: an invariant fell.
    """
    play = Theatre(name)
    dramas()[name](play)
    play.end()
    return play


def main(names):
    """Play some, or all; returns 1 when one broke."""
    broken = 0
    for name in names or dramas():
        try:
            perform(name)
        except Broken as reason:
            broken += 1
            print(f"broken: {name}: {reason}")
        except LookupError as reason:
            broken += 1
            print(f"not played: {name}: {reason}")
        else:
            print(f"held: {name}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
