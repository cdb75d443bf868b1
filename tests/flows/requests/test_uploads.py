"""Which uploads are opened: what no frame can be gets no link."""

import pytest


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({}, "content_type", "got nothing"),
        ({"content_type": "image/gif"}, "content_type", "image/webp"),
        ({"content_type": 7}, "content_type", "another type"),
        ({"content_type": "image/png\r\nx-goog-acl: public-read"}, "content_type", "another type"),
        ({"content_type": "image/png", "size_bytes": 10485761}, "size_bytes", "10485760"),
        ({"content_type": "image/png", "size_bytes": 0}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "size_bytes": True}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "content_length": "x"}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "size_bytes": 1, "content_length": 1}, "size_bytes", "twice"),
        ({"content_type": "image/png", "name": "../keys/a"}, "name", "unknown field"),
    ],
)  # fmt: skip
def test_what_no_frame_can_be_gets_no_link(world, fields, param, words):
    answer = world.client.post("/v1/uploads", json=fields)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["param"] == param
    assert words in answer.get_json()["error"]["message"]
