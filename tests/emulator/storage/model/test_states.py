"""Times and generations of stored objects come from the emulated clock."""

import datetime as dt


def test_all_times_are_the_clocks(emulated):
    blob = emulated.write()
    emulated.clock.advance(100)
    blob.metadata = {"a": "b"}
    blob.patch()
    start = emulated.clock.now() - 100
    assert blob.time_created.timestamp() == start
    assert blob.updated.timestamp() == start + 100
    date = emulated.call("GET", "/storage/v1/b/home").headers["Date"]
    moment = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC)
    assert date == moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_generations_grow_on_a_frozen_clock(emulated):
    generations = [emulated.write().generation for _ in range(5)]
    assert generations == sorted(set(generations))
