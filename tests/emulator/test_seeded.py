"""Numbers that repeat: the same seed draws the same, another one does not, and none disturbs another."""

from lib.emulator.seeded import seeded


def drawn(generator):
    return [generator.getrandbits(32) for _ in range(4)]


def test_the_same_seed_draws_the_same():
    assert drawn(seeded("7 task")) == drawn(seeded("7 task"))
    assert len({tuple(drawn(seeded(seed))) for seed in (7, 8, "7 task", "7 request")}) == 4


def test_one_generator_does_not_disturb_another():
    one, other = seeded(7), seeded(7)
    first = one.getrandbits(32)
    drawn(one)
    assert other.getrandbits(32) == first
