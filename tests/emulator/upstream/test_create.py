"""Create: what is taken, what is refused, with which status, code and sentence."""

import json

import pytest

FLASH = "wan2.2-kf2v-flash"
PLUS = "wan2.1-kf2v-plus"
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


def refused(emulated, answer, expected):
    status, code, start = expected
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code)
    assert said["message"].startswith(start)
    assert set(said) == {"code", "message", "request_id"}
    assert answer.headers["X-Request-ID"] == said["request_id"]
    assert answer.headers["Content-Type"].startswith("application/json")
    assert len(emulated.app.tasks) == 0
    assert emulated.app.counts["create_refused"] == 1


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


# model, region, key, answer, source
MODELS = {
    "of Beijing in Singapore": ("wanx2.1-kf2v-plus", "singapore", (404, "ModelNotFound"), "guide"),
    "of Singapore in Beijing": (PLUS, "beijing", (404, "ModelNotFound"), "guide"),
    "of no region": ("wan9-kf2v", "singapore", (404, "ModelNotFound"), "errors"),
    "of another path": ("wan2.2-t2v-plus", "singapore", (400, "InvalidParameter"), "errors"),
    "in upper case": (FLASH.upper(), "singapore", (400, "InvalidParameter"), "silent"),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_foreign_model_is_refused(emulated, a_body, case):
    model, region, (status, code), _source = MODELS[case]
    answer = emulated.post(a_body(model=model), region=region, key=f"sk-{region}")
    refused(emulated, answer, (status, code, ""))


@pytest.mark.parametrize("tier", ["480P", "1080P"])
@pytest.mark.parametrize(
    ("model", "region"), [(PLUS, "singapore"), ("wanx2.1-kf2v-plus", "beijing")]
)
def test_2_1_takes_720p_only(emulated, a_body, model, region, tier):  # guide
    parameters = {"resolution": tier}
    given = a_body(model=model, parameters=parameters)
    refused(emulated, emulated.post(given, region=region, key=f"sk-{region}"), INVALID)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_path_of_the_sister_models_is_an_url_error(emulated, a_body, slash):  # errors
    path = "/services/aigc/video-generation/video-synthesis" + slash
    answer = emulated.post(a_body(), path=path)
    refused(emulated, answer, (400, "InvalidParameter", "url error, please check url!"))


def test_on_the_sister_path_other_models_are_not_found_here(emulated, a_body):
    path = "/services/aigc/video-generation/video-synthesis"
    answer = emulated.post(a_body(model="wan2.2-t2v-plus"), path=path)
    refused(emulated, answer, (404, "ModelNotFound", "The model wan2.2-t2v-plus"))


@pytest.mark.parametrize("tier", ["480P", "720P", "1080P"])
def test_2_2_takes_every_tier(emulated, tier):  # guide
    emulated.create(parameters={"resolution": tier})
    (task,) = emulated.app.tasks
    assert task.film.resolution == tier


def test_the_answer_of_a_create(emulated, a_body):  # reference
    answer = emulated.post(a_body())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    said = answer.json()
    assert set(said) == {"output", "request_id"}
    assert said["output"] == {"task_status": "PENDING", "task_id": said["output"]["task_id"]}
    for text in (said["request_id"], said["output"]["task_id"]):
        assert [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12]
    (task,) = emulated.app.tasks
    assert (task.id, task.request_id) == (said["output"]["task_id"], said["request_id"])
    assert task.body == a_body()
    assert emulated.app.counts["create"] == 1


def test_the_trailing_slash_is_tolerated(emulated, a_body):
    answer = emulated.post(a_body(), path="/services/aigc/image2video/video-synthesis/")
    assert answer.status_code == 200


def test_defaults(emulated, a_body):  # reference
    given = a_body()
    del given["parameters"]
    assert emulated.post(given).status_code == 200
    (task,) = emulated.app.tasks
    assert (task.film.resolution, task.film.watermark) == ("720P", False)


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


@pytest.mark.parametrize("template", ["hanfu-1", "solaron", "magazine", "mech1", "mech2"])
def test_a_template_needs_no_last_frame(emulated, a_body, template):  # reference
    answer = emulated.post(a_body(template=template, last_frame_url=..., prompt=...))
    assert answer.status_code == 200
    (task,) = emulated.app.tasks
    assert task.film.last is None


@pytest.mark.parametrize("seed", [0, 1, 2147483647])
def test_a_seed_reaches_the_film(emulated, seed):  # reference; 0 is a seed, not its absence
    emulated.create(parameters={"seed": seed})
    (task,) = emulated.app.tasks
    assert task.film.seed == seed


def test_without_a_seed_each_film_has_its_own(emulated):  # reference: random
    for _ in range(2):
        emulated.create(pause_s=100)
    first, second = (task.film.seed for task in emulated.app.tasks)
    assert first != second


@pytest.mark.parametrize("letter", ["a", "怪", "😀"])
def test_long_prompts_are_cut_not_refused(emulated, a_body, letter):  # reference
    answer = emulated.post(a_body(prompt=letter * 801, negative_prompt=letter * 501))
    assert answer.status_code == 200
    emulated.clock.advance(100)
    output = emulated.get(answer.json()["output"]["task_id"])["output"]
    assert output["orig_prompt"] == letter * 800
    (task,) = emulated.app.tasks
    assert task.film.prompt == letter * 800
