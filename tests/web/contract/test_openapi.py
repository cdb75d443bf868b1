"""The contract tells the truth: every route has words, every answer has the shape that it states."""

import json
import re

import jsonschema
import pytest
from openapi_spec_validator import validate

from lib.core.errors import TABLE
from lib.web.contract.operations import OPERATIONS, PICTURE
from lib.web.native.dialect import ALIASES, parse
from tests.world import picture


@pytest.fixture
def contract(world):
    return world.client.get("/openapi.json").get_json()


def checked(contract, answer, method, path):
    """The body of an answer that keeps to the contract."""
    stated = contract["paths"][path][method]["responses"]
    assert str(answer.status_code) in stated, (answer.status_code, answer.text)
    content = stated[str(answer.status_code)].get("content", {})
    if not content:
        assert answer.data == b"" or answer.status_code in {302, 304}
        return None
    assert answer.mimetype in content
    schema = {**content[answer.mimetype]["schema"], "components": contract["components"]}
    schema = json.loads(json.dumps(schema).replace('"#/components', '"#/components'))
    body = answer.get_json()
    jsonschema.Draft202012Validator(schema).validate(body)
    return body


def test_it_is_valid_openapi(contract):
    validate(contract)
    assert contract["openapi"] == "3.1.0"


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


def test_it_tells_nothing_of_the_configuration(world, contract):
    text = json.dumps(contract)
    for secret in (world.config.bucket + "/", "singapore/api", "127.0.0.1", "sk-"):
        assert secret not in text


def test_the_answers_of_a_whole_life_have_the_shapes_it_states(world, contract):
    def call(method, path, **options):
        made = re.sub(r"\{id\}", job_id, path)
        answer = getattr(world.client, method)(made, **options)
        return checked(contract, answer, method, path.partition("?")[0])

    made = world.post(metadata='{"a": "b"}')
    job_id = checked(contract, made, "post", "/v1/videos")["id"]
    one = "/v1/videos/{id}"
    call("get", one)
    call("get", f"{one}/content")
    call("delete", one)
    call("post", f"{one}/retry", json={})
    world.clock.advance(30)
    call("post", f"{one}/cancel")
    call("get", f"{one}/webhook-deliveries")
    call("post", f"{one}/webhook-deliveries")
    world.run()
    tag = world.client.get(f"/v1/videos/{job_id}").headers["ETag"]
    call("get", one, headers={"If-None-Match": tag})
    assert call("get", one)["status"] == "completed"
    call("get", f"{one}/content")
    call("post", f"{one}/cancel")
    call("post", f"{one}/retry")
    failed = world.post(prompt="#moderation").get_json()["id"]
    world.run()
    first, job_id = job_id, failed
    assert call("get", one)["error"]["type"] == "job_error"
    call("post", f"{one}/retry")
    job_id = first
    call("get", "/v1/videos")
    call("get", "/v1/videos?limit=x")
    call("delete", one)
    call("get", one)
    for path in ("/v1/models", "/health", "/ready"):
        call("get", path)
    call("post", "/v1/uploads", json={"content_type": "image/png"})
    call("post", "/v1/uploads", json={"content_type": "text/html"})
    checked(contract, world.post(validate_only="true"), "post", "/v1/videos")
    checked(contract, world.post(first=picture(9, 9)), "post", "/v1/videos")


def test_its_examples_work(world, contract):
    body = contract["paths"]["/v1/videos"]["post"]["requestBody"]["content"]["application/json"]
    assert world.client.post("/v1/videos", json=body["example"]).status_code == 202


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


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_it_is_read_without_a_key_and_cached(make_world, path):
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": "{}"})
    first = world.client.get(path)
    assert first.status_code == 200
    assert "max-age" in first.headers["Cache-Control"]
    again = world.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert world.client.head(path).status_code == 200


def test_the_page_is_whole_and_names_everything(world, contract):
    answer = world.client.get("/docs")
    text = answer.text
    assert answer.mimetype == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "<script" not in text
    for methods in contract["paths"].values():
        for words in methods.values():
            assert f'id="{words["operationId"]}"' in text
    for field in contract["components"]["schemas"]["VideoRequest"]["properties"]:
        assert f"<code>{field}</code>" in text
    assert "<code>overloaded</code>" in text
