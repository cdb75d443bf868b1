"""The body of a create as the API reference has it: nothing that nobody gave, and time for its size."""

import pytest

from lib.core.jobs.intent import PlainRequest
from lib.core.upstream.create import Order, create_headers

ASKED = PlainRequest(model="wan2.2-kf2v-flash", resolution="720P", seconds=5)
LINK = "https://frames.example/a.png"


def test_what_nobody_gave_is_not_sent():
    assert Order(ASKED, LINK, None).body() == {
        "model": "wan2.2-kf2v-flash",
        "input": {"first_frame_url": LINK},
        "parameters": {"resolution": "720P"},
    }


def test_what_was_given_stands_where_the_reference_has_it():
    asked = PlainRequest(
        model="m", resolution="480P", seconds=5, prompt="p", negative_prompt="n", seed=0,
        prompt_extend=False, watermark=True,
    )  # fmt: skip
    body = Order(asked, "a", "b").body()
    assert body["input"] == {
        "first_frame_url": "a", "last_frame_url": "b", "prompt": "p", "negative_prompt": "n",
    }  # fmt: skip
    assert body["parameters"] == {
        "resolution": "480P", "prompt_extend": False, "watermark": True, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("first", "last", "resolved"), [
    (LINK, None, False), (LINK, "oss://a/b", True), ("oss://a/b", None, True),
])  # fmt: skip
def test_names_of_the_upstreams_storage_are_asked_to_be_looked_up(first, last, resolved):
    headers = create_headers(Order(ASKED, first, last))
    assert headers["X-DashScope-Async"] == "enable"
    assert ("X-DashScope-OssResourceResolve" in headers) is resolved


def test_only_a_large_body_takes_time():
    assert Order(ASKED, LINK, LINK).takes_s == 0
    assert Order(ASKED, "a" * 1_000_000, "b" * 1_500_000).takes_s == pytest.approx(10.0)
