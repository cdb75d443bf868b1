"""Large posts at once against one real instance: every answer right, memory bounded. Ten here; a
hundred by `python -m tests.processes.load --posts 100`."""

import pytest

from tests.processes import load


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_posts_of_two_8_mb_frames_are_all_answered_rightly_in_bounded_memory(tmp_path):
    made = load.run(10, tmp_path)
    assert made.wrong == []
    assert made.answers["202"] == 10
    assert set(made.answers) <= {"202", "503 overloaded"}
    assert made.peak_mb <= load.BOUND_MB


def test_the_load_sees_what_is_wrong():
    good = ["pending/a/vid_1.json", "frames/a/vid_1/x.png", "gates/singapore"]
    assert load.judge(1, load.Load(ids=["vid_1"]), good) == []
    assert load.judge(2, load.Load(ids=["vid_1"]), good)
    assert load.judge(1, load.Load(ids=["vid_1"]), [*good, "jobs/a/vid_2.json"])
    assert load.judge(1, load.Load(ids=["vid_1"]), good[:1])
    assert load.judge(1, load.Load(ids=["vid_1"], peak_mb=load.BOUND_MB + 1), good)
