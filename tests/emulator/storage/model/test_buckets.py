"""What may be set of a bucket: a setting that is not implemented is refused by its name."""

import pytest


@pytest.mark.parametrize(
    "setting",
    [
        {"versioning": {"enabled": True}},
        {"softDeletePolicy": {"retentionDurationSeconds": "604800"}},
        {"retentionPolicy": {"retentionPeriod": "60"}},
        {"website": {"mainPageSuffix": "index.html"}},
        {"encryption": {"defaultKmsKeyName": "k"}},
        {"lifecycle": {"rule": [{"action": {"type": "Pray"}, "condition": {"age": 1}}]}},
        {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"mood": 1}}]}},
    ],
    ids=str,
)
def test_a_bucket_setting_that_is_not_implemented_is_501(emulated, setting):
    answer = emulated.call("PATCH", "/storage/v1/b/home", json=setting)
    assert answer.status_code == 501
    assert emulated.call("GET", "/storage/v1/b/home").json()["metageneration"] == "1"


def test_what_is_off_in_the_service_may_be_switched_off(emulated):
    off = {"versioning": {"enabled": False}, "softDeletePolicy": {"retentionDurationSeconds": 0}}
    answer = emulated.call("PATCH", "/storage/v1/b/home", json=off)
    assert answer.status_code == 200
    assert answer.json()["versioning"] == {"enabled": False}
