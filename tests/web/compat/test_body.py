"""The body of a create in DashScope's dialect: unpacked within its limit, and refused in its words."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import film
from tests.web.compat.test_dialect import body
from tests.world import World

CREATE = "/api/v1/services/aigc/image2video/video-synthesis"


ASYNC = {"X-DashScope-Async": "enable"}


def create(world, data=None, headers=None, path=CREATE):
    return world.client.post(path, json=data or body(), headers={**ASYNC, **(headers or {})})


def test_a_gzipped_body_is_unpacked_within_the_limit(world):
    packed = gzip.compress(json.dumps(body()).encode())
    headers = {**ASYNC, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert world.client.post(CREATE, data=packed, headers=headers).status_code == 200
    bomb = gzip.compress(b" " * (40 << 20))
    answer = world.client.post(CREATE, data=bomb, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.TooLarge")
    broken = world.client.post(CREATE, data=packed[:100], headers=headers)
    assert (broken.status_code, broken.json["code"]) == (400, "BadRequest.IllegalInput")
    plain = world.client.post(CREATE, data=b"{}", headers=headers)
    assert plain.json["code"] == "BadRequest.IllegalInput"


def test_a_body_above_the_limit_is_said_before_it_is_read(world):
    headers = {**ASYNC, "Content-Type": "application/json"}
    declared = {"CONTENT_LENGTH": str(33 << 20)}
    answer = world.client.post(CREATE, headers=headers, environ_overrides=declared)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.TooLarge")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "BadRequest.EmptyModel"),
        ({"model": None}, "BadRequest.EmptyModel"),
        ({"model": 7}, "BadRequest.EmptyModel"),
        ({"model": "wan2.2-kf2v-flash"}, "BadRequest.EmptyInput"),
        ({"model": "wan2.2-kf2v-flash", "input": []}, "BadRequest.EmptyInput"),
        ({"model": "wan2.2-kf2v-flash", "input": {"prompt": "x"}}, "InvalidParameter"),
        ({"model": "wan2.2-kf2v-flash", "input": {"first_frame_url": ""}}, "InvalidParameter"),
        (body(parameters=None), "InvalidParameter"),
        (body(parameters=[]), "InvalidParameter"),
        (body(parameters={"duration": 6}), "InvalidParameter"),
        (body(parameters={"seed": -1}), "InvalidParameter"),
        (body(parameters={"watermark": "yes"}), "InvalidParameter"),
        (body(7), "InvalidParameter"),
        (body(input={"template": 7}), "InvalidParameter"),
        (body(input={"first_frame_url": 7}), "InvalidParameter"),
    ],
)
def test_a_body_that_lacks_something_is_refused_in_the_services_words(world, data, code):
    answer = create(world, data or {"x": 1})
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert list(answer.json) == ["code", "message", "request_id"]
    assert world.paid() == []


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b'{"model": NaN}', b"\xff", b"[" * 100_000, b'{"a":1}}']
)
def test_a_body_that_is_no_object_is_refused(world, raw):
    answer = world.client.post(
        CREATE, data=raw, headers={**ASYNC, "Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.IllegalInput")


def test_a_body_of_another_type_is_refused(world):
    answer = world.client.post(CREATE, data={"model": "x"}, headers=ASYNC)
    assert (answer.status_code, answer.json["code"]) == (400, "BadRequest.IllegalInput")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "model",
                    "input",
                    "parameters",
                    "prompt",
                    "first_frame_url",
                    "last_frame_url",
                    "template",
                    "seed",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


fuzzed = World(film)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(json_values, json_values, st.sampled_from(["wan2.2-kf2v-flash", "kf2v", "", None, 3]))
def test_no_json_at_all_makes_it_stumble(source, parameters, model):
    data = {"model": model, "input": source, "parameters": parameters}
    answer = create(fuzzed, data)
    assert answer.status_code in {400, 404}, answer.text
    assert list(answer.json) == ["code", "message", "request_id"]
