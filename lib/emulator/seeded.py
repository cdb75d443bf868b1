"""Random numbers that repeat: the same seed draws the same ids, films and pictures.

For what must look alike in every run. Nothing that has to be unguessable is drawn here.
"""

from __future__ import annotations

import random


def seeded(seed: int | str) -> random.Random:
    """A generator of its own for one purpose.

    Args:
        seed: same seed, same numbers.
    """
    return random.Random(seed)  # noqa: S311 - repeatable on purpose, never a secret
