"""The caller's key: printable ASCII of 1 to 255 characters, or refused; without one there is none."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lib.core.errors import ApiError
from lib.web.idempotency import idempotency_key


def read(key):
    headers = {} if key is None else {"Idempotency-Key": key}
    return idempotency_key(Request(EnvironBuilder(headers=headers).get_environ()))


@pytest.mark.parametrize("key", [None, "a", "a key, with {signs}", "k" * 255])
def test_a_key_is_taken_as_it_is(key):
    assert read(key) == key


@pytest.mark.parametrize(
    "key", ["", "k" * 256, "é", "a\tb"], ids=["empty", "long", "letter", "tab"]
)
def test_any_other_is_refused_by_its_name_and_length(key):
    with pytest.raises(ApiError) as refused:
        read(key)
    assert refused.value.param == "Idempotency-Key"
    assert f"got {len(key)} characters" in refused.value.message
