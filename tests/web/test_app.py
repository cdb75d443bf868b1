"""What every answer of the service has, whichever call it is, and what no call answers."""

import uuid

import pytest


@pytest.mark.parametrize("given", ["abc-123", "A" * 64], ids=["short", "long"])
def test_a_plain_request_id_is_kept(world, given):
    assert (
        world.client.get("/health", headers={"X-Request-Id": given}).headers["x-request-id"]
        == given
    )


@pytest.mark.parametrize("given", ["", "a b", "A" * 5000, "é"], ids=["none", "space", "huge", "é"])
def test_any_other_is_replaced(world, given):
    answer = world.client.get("/v1/nowhere", headers={"X-Request-Id": given})
    assert len(uuid.UUID(answer.headers["x-request-id"]).hex) == 32
    assert answer.get_json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_a_path_that_is_none_says_where_videos_live(world):
    answer = world.client.get("/v2/videos")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found")
    assert "/v1/videos" in answer.get_json()["error"]["message"]


def test_another_method_is_told_which_are_allowed(world):
    answer = world.client.put("/v1/videos")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_without_a_cross_origin_nothing_is_allowed_to_any(world):
    answer = world.client.options("/v1/videos")
    assert answer.status_code == 204
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-Allow")]
