"""How long a task takes, and where its film comes from."""

import threading
import time

from lib.emulator.upstream import Timing


def test_durations_of_the_documents(make_emulated):  # reference: its samples
    emulated = make_emulated(timing=Timing.documented())
    task_id = emulated.create(pause_s=0)
    seen = []
    for pause in (14, 2, 188, 2):
        emulated.clock.advance(pause)
        seen.append(emulated.status(task_id))
    assert seen == ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]


def until(ready, seconds=10.0):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def test_a_task_lasts_as_long_as_its_rendering(make_emulated):
    threads, may_end = [], threading.Event()

    def render(_film):
        threads.append(threading.current_thread())
        assert may_end.wait(10)
        return b"film"

    emulated = make_emulated(timing=Timing.rendering(), render=render)
    first, second = emulated.create(), emulated.create()
    assert [emulated.status(each) for each in (first, second)] == ["RUNNING", "RUNNING"]
    may_end.set()
    until(lambda: emulated.clock.advance(1) and emulated.status(second) == "SUCCEEDED")
    assert emulated.web.get(emulated.get(first)["output"]["video_url"]).content == b"film"
    assert len(set(threads)) == 1  # one film at a time
    assert threads[0].daemon


def test_virtual_time_starts_no_thread(emulated):
    before = set(threading.enumerate())
    link = emulated.finished()["output"]["video_url"]
    assert emulated.web.get(link).status_code == 200
    assert set(threading.enumerate()) <= before
