"""What the faults of both emulators share: order, counting, the report, cut bodies."""

import itertools
from dataclasses import dataclass

import pytest

from lib.emulator.body import Dropped
from lib.emulator.faults import BLOCK, CountedFault, FaultList, bad_field, cut_after


@dataclass
class Fault(CountedFault):
    kind: str = "any"
    times: int = 1
    name: str = ""
    met: int = 0


class Faults(FaultList[Fault]):
    def add(self, **fields):
        return self._keep(Fault(**fields))

    def take(self, kind):
        return self._take(lambda fault: fault.kind == kind)


def test_the_first_that_matches_is_met_until_it_is_completed():
    faults = Faults()
    first, second = faults.add(kind="a", times=2), faults.add(kind="a", name="later")
    assert [faults.take("a") for _ in range(4)] == [first, first, second, None]
    assert faults.take("b") is None


def test_the_report_keeps_order_and_says_what_is_completed():
    faults = Faults()
    faults.add(kind="a", name="one")
    faults.add(kind="b", times=2)
    faults.take("a")
    faults.take("b")
    rows = faults.report()
    assert rows == [
        {"kind": "a", "times": 1, "name": "one", "met": 1, "completed": True},
        {"kind": "b", "times": 2, "name": "", "met": 1, "completed": False},
    ]
    faults.clear()
    assert faults.report() == []


def test_a_bad_field_is_named_with_the_known_ones():
    types = {"times": int, "seconds": (int, float)}
    assert bad_field({"times": 1, "seconds": 0.5}, types) is None
    for fields in ({"times": "twice"}, {"often": 1}):
        name, message = bad_field(fields, types)
        assert name in fields
        assert message.endswith("known are times, seconds.")


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1])
def test_a_cut_body_gives_everything_first(size):
    chunks = cut_after(b"x" * size, "why")
    blocks = -(-size // BLOCK)
    assert b"".join(itertools.islice(chunks, blocks)) == b"x" * size
    with pytest.raises(Dropped, match="why"):
        next(chunks)
