"""The contract tells the truth: every route has words, every answer has the shape that it states."""

import json

import pytest
from openapi_spec_validator import validate


@pytest.fixture
def contract(world):
    return world.client.get("/openapi.json").get_json()


def test_it_is_valid_openapi(contract):
    validate(contract)
    assert contract["openapi"] == "3.1.0"


def test_it_tells_nothing_of_the_configuration(world, contract):
    text = json.dumps(contract)
    for secret in (world.config.bucket + "/", "singapore/api", "127.0.0.1", "sk-"):
        assert secret not in text


def test_its_examples_work(world, contract):
    body = contract["paths"]["/v1/videos"]["post"]["requestBody"]["content"]["application/json"]
    assert world.client.post("/v1/videos", json=body["example"]).status_code == 202
