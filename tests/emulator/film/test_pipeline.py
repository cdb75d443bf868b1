"""From two frames to the bytes of a film: the same order of work, the same bytes."""

from lib.emulator import film
from lib.emulator.samples import monster


def test_the_same_seed_gives_the_same_bytes():
    again = [
        film.render(monster.first(), monster.last(), resolution="480P", seed=5, fast=True)
        for _ in range(2)
    ]
    assert again[0] == again[1]
