"""The native dialect: one request under every name that it has elsewhere."""


def test_a_json_request_by_the_names_of_other_gateways_means_the_same(world):
    from tests.web.test_bad_input import URI  # the same picture

    bodies = [
        {"first_frame": URI, "last_frame": URI},
        {"first_frame_url": URI, "last_frame_url": URI},
        {"image": URI, "last_frame": URI},
        {"images": [URI, URI]},
        {"input_reference": URI, "last_frame": URI},
    ]
    key = {"Idempotency-Key": "same"}
    ids = {
        world.client.post("/v1/videos", json=body, headers=key).get_json()["id"] for body in bodies
    }
    assert len(ids) == 1
