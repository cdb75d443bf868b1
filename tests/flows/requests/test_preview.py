"""A request that is only looked at: everything is checked, nothing is written, bound or asked."""

import pytest

from tests.world import picture


@pytest.mark.parametrize("form", [True, False])
def test_validate_only_checks_everything_and_does_nothing(world, form):
    if form:
        answer = world.post(validate_only="true", resolution="480P")
    else:
        frames = {"first_frame": uri(), "last_frame": uri()}
        order = {**frames, "validate_only": True, "resolution": "480P"}
        answer = world.client.post("/v1/videos", json=order, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    found = answer.get_json()
    assert found["object"] == "video.validation"
    assert (found["valid"], found["resolution"], found["region"]) == (True, "480P", "singapore")
    assert found["size"] == "720x544"
    assert found["price"] is None  # Singapore's price of this model stands nowhere in public
    assert [frame["type"] for frame in found["frames"]] == ["image/png", "image/png"]
    assert world.names() == []
    assert world.paid() == []


def uri():
    import base64  # one test

    return "data:image/png;base64," + base64.b64encode(picture()).decode()


def test_validate_only_tells_the_price_where_one_is_published(make_world):
    beijing = {
        "DASHSCOPE_REGION": "beijing",
        "DASHSCOPE_BASE_URL": "http://127.0.0.1:9002/beijing/api/v1",
        "DASHSCOPE_API_KEY": "sk-local-beijing",
    }
    world = make_world(env=beijing)
    found = world.post(validate_only="true", resolution="1080P").get_json()
    assert found["price"] == {"amount": "2.40", "currency": "CNY"}


def test_validate_only_refuses_what_a_create_would_refuse(world):
    bad = world.post(validate_only="true", first=picture(100, 100))
    real = world.post(first=picture(100, 100))
    assert bad.status_code == real.status_code == 400
    assert bad.get_json()["detail"] == real.get_json()["detail"]


def test_a_pair_of_different_shapes_is_warned_of_before_it_is_paid(world):
    found = world.post(validate_only="true", last=picture(400, 400)).get_json()
    assert "another shape" in found["warnings"][0]
