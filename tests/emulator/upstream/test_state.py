"""What the emulated upstream is set to and what it draws: settings that make sense, ids that repeat."""

import re

import pytest

from lib.emulator.upstream.errors import UpstreamError
from lib.emulator.upstream.state import Ids, Settings


@pytest.mark.parametrize(
    "values",
    [
        {"overflow": "drop"},
        {"bad_frame": ""},
        {"list_lag_s": -1},
        {"list_lag_s": True},
        {"list_lag_s": "5"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_changes_nothing(values):
    settings = Settings(list_lag_s=3.0)
    with pytest.raises(UpstreamError):
        settings.change({"overflow": "queue", **values})
    assert settings == Settings(list_lag_s=3.0)


def test_several_settings_change_together():
    settings = Settings()
    settings.change({"overflow": "queue", "list_lag_s": 5})
    assert settings == Settings(overflow="queue", list_lag_s=5)
    with pytest.raises(UpstreamError):
        Settings(overflow="drop")


def test_ids_repeat_by_their_seed_and_kinds_do_not_disturb_each_other():
    one, other = Ids(7), Ids(7)
    for _ in range(3):
        one.request()
    assert one.task() == other.task()
    assert one.seed() == other.seed()
    assert one.task() != one.request() != Ids(8).request()
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one.task()
    )
