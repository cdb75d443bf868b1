"""Lifecycle rules run when the clock is moved."""

import datetime as dt

import pytest

DAY_S = 24 * 3600
RULES = {
    "age": {"age": 7},
    "custom time": {"daysSinceCustomTime": 7},
    "day": {"customTimeBefore": "2031-01-01"},
    "class": {"age": 7, "matchesStorageClass": ["STANDARD"]},
}


@pytest.mark.parametrize("name", RULES)
def test_lifecycle_runs_when_the_clock_moves(emulated, name):
    rule = {"action": {"type": "Delete"}, "condition": RULES[name] | {"matchesPrefix": ["tmp/"]}}
    emulated.call("PATCH", "/storage/v1/b/home", json={"lifecycle": {"rule": [rule]}})
    custom = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC)
    emulated.write("tmp/old", custom_time=custom)
    emulated.write("kept/old", custom_time=custom)
    emulated.clock.advance(6 * DAY_S)
    early = ["kept/old"] if name == "day" else ["kept/old", "tmp/old"]
    assert emulated.names() == early
    emulated.write("tmp/new", storage_class="NEARLINE")
    emulated.clock.advance(DAY_S)
    assert emulated.names() == ["kept/old", "tmp/new"]


def test_lifecycle_changes_the_class(emulated):
    rule = {
        "action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
        "condition": {"age": 1},
    }
    emulated.call("PATCH", "/storage/v1/b/home", json={"lifecycle": {"rule": [rule]}})
    blob = emulated.write()
    emulated.clock.advance(DAY_S)
    blob.reload()
    assert (blob.storage_class, blob.metageneration) == ("COLDLINE", 1)
