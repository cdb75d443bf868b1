"""The shapes of the contract as JSON Schema: what a request takes is what is stated, in both its forms."""

import json

import jsonschema
import pytest

from lib.core.errors import TABLE
from lib.core.request import VideoRequest
from lib.web.contract.schemas import REF, schemas

LINK = "https://a.example/a.png"


@pytest.fixture(scope="module")
def made():
    return schemas()


def test_every_reference_leads_to_a_schema(made):
    text = json.dumps(made)
    named = {part.partition('"')[0] for part in text.split(REF)[1:]}
    assert named
    assert named <= set(made)
    for schema in made.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_fields_are_those_that_are_parsed(made):
    assert set(made["VideoRequest"]["properties"]) == set(VideoRequest.model_fields)
    assert set(made["VideoForm"]["properties"]) == set(VideoRequest.model_fields)
    assert made["Problem"]["properties"]["status"]["enum"] == sorted(
        {k.status for k in TABLE.values()}
    )


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"first_frame": LINK, "last_frame": LINK}, True),
        ({"first_frame": LINK, "template": "fly-1", "seconds": "5"}, True),
        ({"first_frame": LINK}, False),
        ({"last_frame": LINK}, False),
        ({"first_frame": "a.png", "last_frame": LINK}, False),
        ({"first_frame": LINK, "last_frame": LINK, "seconds": 6}, False),
        ({"first_frame": LINK, "last_frame": LINK, "seed": -1}, False),
        ({"first_frame": LINK, "last_frame": LINK, "colour": "blue"}, False),
    ],
    ids=["pair", "effect", "alone", "last alone", "no link", "seconds", "seed", "unknown"],
)
def test_a_request_is_good_where_the_schema_says_so(made, body, good):
    checked = jsonschema.Draft202012Validator(
        {**made["VideoRequest"], "components": {"schemas": made}}
    )
    assert checked.is_valid(body) is good


def test_a_form_sends_files_and_texts(made):
    fields = made["VideoForm"]["properties"]
    assert fields["first_frame"]["format"] == "binary"
    assert fields["watermark"]["enum"] == ["true", "false"]
    assert fields["seconds"]["enum"] == ["5"]
    assert {field["type"] for field in fields.values()} == {"string"}
