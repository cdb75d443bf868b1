"""Every answer has the shape that the contract states."""

import json
import re

import jsonschema
import pytest

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
