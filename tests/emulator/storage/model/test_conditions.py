"""Conditions of a call: checked against the live object, and none is ignored."""

import pytest

OBJECT = "/storage/v1/b/home/o/object"


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_validator_on_a_write_is_501(emulated, header, method):
    emulated.write()
    answer = emulated.call(method, OBJECT, headers={header: "x"}, json={})
    assert answer.status_code == 501
