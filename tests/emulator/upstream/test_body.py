"""The body of a create: what is taken, what is refused, with which status, code and sentence."""

import json

import pytest

from tests.emulator.upstream.test_create import refused

FLASH = "wan2.2-kf2v-flash"


INVALID = (400, "InvalidParameter", "Required parameter(")


# field, value, answer, source
PARAMETERS = {
    "resolution off the list": ("resolution", "4K", INVALID, "silent"),
    "resolution in lower case": ("resolution", "720p", INVALID, "silent"),
    "resolution as a size": ("resolution", "1280*720", INVALID, "silent"),
    "resolution null": ("resolution", None, INVALID, "silent"),
    "resolution a list": ("resolution", ["720P"], INVALID, "silent"),
    "duration 10": ("duration", 10, INVALID, "silent"),
    "duration text": ("duration", "5", INVALID, "silent"),
    "duration true": ("duration", True, INVALID, "silent"),
    "duration fraction": ("duration", 5.0, INVALID, "silent"),
    "seed negative": ("seed", -1, INVALID, "reference"),
    "seed too great": ("seed", 2147483648, INVALID, "reference"),
    "seed fraction": ("seed", 1.5, INVALID, "silent"),
    "seed true": ("seed", True, INVALID, "silent"),
    "seed text": ("seed", "7", INVALID, "silent"),
    "watermark text": ("watermark", "true", INVALID, "silent"),
    "watermark number": ("watermark", 1, INVALID, "silent"),
    "prompt_extend text": ("prompt_extend", "no", INVALID, "silent"),
    "prompt_extend null": ("prompt_extend", None, INVALID, "silent"),
}


# ... leaves the field out
INPUTS = {
    "no first frame": ("first_frame_url", ..., INVALID, "guide"),
    "no last frame": ("last_frame_url", ..., INVALID, "guide"),
    "first frame null": ("first_frame_url", None, INVALID, "guide"),
    "first frame empty": ("first_frame_url", "", INVALID, "guide"),
    "first frame a list": ("first_frame_url", ["http://a/b.png"], INVALID, "silent"),
    "last frame a number": ("last_frame_url", 7, INVALID, "silent"),
    "first frame ftp": ("first_frame_url", "ftp://a/b.png", (400, "InvalidURL", ""), "errors"),
    "last frame a path": ("last_frame_url", "/tmp/b.png", (400, "InvalidURL", ""), "errors"),
    "last frame file://": ("last_frame_url", "file:///b.png", (400, "InvalidURL", ""), "errors"),
    "prompt a list": ("prompt", ["rain"], INVALID, "silent"),
    "negative prompt a number": ("negative_prompt", 3, INVALID, "silent"),
    "unknown template": ("template", "hufu-1", INVALID, "silent"),
    "template a list": ("template", ["solaron"], INVALID, "silent"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_bad_parameter_is_refused_at_create(emulated, a_body, case):
    name, value, expected, _source = PARAMETERS[case]
    answer = emulated.post(a_body(parameters={name: value}))
    refused(emulated, answer, expected)
    assert name in answer.json()["message"]


@pytest.mark.parametrize("case", INPUTS)
def test_a_bad_input_is_refused_at_create(emulated, a_body, case):
    name, value, expected, _source = INPUTS[case]
    refused(emulated, emulated.post(a_body(**{name: value})), expected)


# body, answer, source
BODIES = {
    "no model": ({"input": {"prompt": "x"}}, (400, "BadRequest.EmptyModel", ""), "errors"),
    "model a number": (
        {"model": 3, "input": {"x": 1}},
        (400, "BadRequest.EmptyModel", ""),
        "errors",
    ),
    "no input": ({"model": FLASH}, (400, "BadRequest.EmptyInput", "Required input"), "errors"),
    "empty input": ({"model": FLASH, "input": {}}, (400, "BadRequest.EmptyInput", ""), "errors"),
    "input a text": ({"model": FLASH, "input": "x"}, (400, "BadRequest.EmptyInput", ""), "errors"),
    "a list": ([], (400, "BadRequest.IllegalInput", "The input parameter requires json"), "errors"),
    "null": (None, (400, "BadRequest.IllegalInput", ""), "errors"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_without_its_parts_is_refused(emulated, case):
    given, expected, _source = BODIES[case]
    answer = emulated.call(
        "POST",
        "/services/aigc/image2video/video-synthesis",
        data=json.dumps(given),
        headers={"X-DashScope-Async": "enable", "Content-Type": "application/json"},
    )
    refused(emulated, answer, expected)


@pytest.mark.parametrize("parameters", [[], "x", None, 0])
def test_parameters_that_are_no_object_are_refused(emulated, a_body, parameters):
    answer = emulated.post({**a_body(), "parameters": parameters})
    refused(emulated, answer, INVALID)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"{}", "text/plain"),
        (b"model=x", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_not_json_is_refused(emulated, data, kind):  # errors: BadRequest.IllegalInput
    answer = emulated.call(
        "POST",
        "/services/aigc/image2video/video-synthesis",
        data=data,
        headers={"X-DashScope-Async": "enable", "Content-Type": kind},
    )
    refused(emulated, answer, (400, "BadRequest.IllegalInput", "The input parameter"))


@pytest.mark.parametrize("value", [None, "disable", "true"])
def test_a_synchronous_call_is_refused(emulated, a_body, value):  # errors: AccessDenied
    answer = emulated.post(a_body(), headers={"X-DashScope-Async": value})
    message = "current user api does not support synchronous calls."
    refused(emulated, answer, (403, "AccessDenied", message))


def test_a_huge_body_is_refused(emulated, a_body):  # errors: BadRequest.TooLarge
    answer = emulated.post(a_body(padding="x" * (23 << 20)))
    refused(emulated, answer, (400, "BadRequest.TooLarge", "Payload Too Large."))


# What the SDKs put on the wire beside the documented fields must not matter.
SURPLUS = {
    "python": ({"function": "video-synthesis", "extend_prompt": True}, {}, "python"),
    "java": ({"extend_prompt": True}, {"with_audio": False}, "java"),
    "prompt null": ({"prompt": None}, {}, "python"),
    "no prompt": ({"prompt": ...}, {}, "reference"),
    "nulls beside a template": ({"template": None, "negative_prompt": None}, {}, "silent"),
    "invented keys": ({"mood": "blue"}, {"size": "1280*720", "shot_type": 1}, "python"),
    "the fixed duration": ({}, {"duration": 5}, "guide"),
}


@pytest.mark.parametrize("case", SURPLUS)
def test_surplus_keys_are_tolerated(emulated, a_body, case):
    source, parameters, _source = SURPLUS[case]
    assert emulated.post(a_body(parameters=parameters, **source)).status_code == 200
