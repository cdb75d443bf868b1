"""Settings about upstream accounts: each has its own key, and belongs to one region."""

import json

import pytest

from tests.flows.tasks.test_unreachable_pins import account


def test_an_account_named_twice_by_its_key_is_refused(make_world):
    twice = [account("one", "singapore"), account("two", "singapore")]
    with pytest.raises(Exception, match="two accounts share one key"):
        make_world(env={"DASHSCOPE_ACCOUNTS": json.dumps(twice)})
