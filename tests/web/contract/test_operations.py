"""Every route has its words, and every error of a caller stands where it can be met."""

import json
import re

import pytest

from lib.core.errors import TABLE
from lib.web.contract.operations import OPERATIONS, PICTURE
from lib.web.native.dialect import ALIASES, parse


@pytest.fixture
def contract(world):
    return world.client.get("/openapi.json").get_json()


def test_every_route_has_its_words_and_every_word_its_route(world):
    assert {(route.method, route.path) for route in world.service.api.routes} == set(OPERATIONS)


def test_every_error_of_a_caller_stands_in_it(contract):
    stated = set(re.findall(r'"urn:inbetween:error:(\w+)"', json.dumps(contract)))
    # The rest end jobs, and are found in the `error` of a job.
    assert set(TABLE) - stated == {
        "clock_off",  # why a job waits; no answer
        "content_policy_violation",
        "delivery_failed",
        "expired",
        "method_not_allowed",
        "submit_unknown",
        "upstream_expired",
        "upstream_quota",
    }


def test_every_name_it_mentions_is_understood(contract):
    stated = contract["paths"]["/v1/videos"]["post"]["description"]
    for name in (
        "first_frame_url",
        "last_frame_url",
        "image",
        "input_reference",
        "duration",
        "size",
    ):
        assert f"`{name}`" in stated
        assert name in ALIASES
    pair = {"images": [PICTURE, PICTURE]}
    assert parse(pair, form=False).last_frame == parse(pair, form=False).first_frame
