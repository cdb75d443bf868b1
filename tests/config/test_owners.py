"""Settings about owners: their keys, their webhooks' secrets; a wrong one stops the start and is not repeated."""

import json

import pytest

from lib.config import ConfigError, parse
from tests.receivers import secret


@pytest.mark.parametrize(
    "table",
    ["[]", '"x"', "{", '{"a": "s:h"}', '{"a": ["plain-key"]}', '{"a": ["salt:abc"]}', '{"": []}', '{"a b": []}', '{"a/b": []}', '{"ä": []}', '{"a": [1]}'],
)  # fmt: skip
def test_a_table_that_is_not_right_stops_the_start_and_is_not_repeated(table):
    with pytest.raises(ConfigError, match="OWNER_KEYS") as caught:
        parse({"BUCKET": "b", "DASHSCOPE_API_KEY": "k", "OWNER_KEYS": table})
    assert "plain-key" not in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        "[]", '{"a/b": []}', '{"alice": []}', '{"alice": "whsec_x"}', '{"alice": [1]}', "{",
        json.dumps({"alice": [secret()] * 3}), json.dumps({"alice": ["whsec_c2hvcnQ="]}),
        json.dumps({"alice": ["plain"]}),
    ],
)  # fmt: skip
def test_secrets_of_another_shape_stop_the_start_and_are_not_repeated(make_world, table):
    with pytest.raises(ConfigError, match="WEBHOOK_SECRETS") as caught:
        make_world(env={"WEBHOOK_SECRETS": table})
    assert "c2hvcnQ" not in str(caught.value)
    assert secret() not in str(caught.value)
