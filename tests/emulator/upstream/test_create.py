"""Create: what is taken, what is refused, with which status, code and sentence."""

import pytest


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


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_path_of_the_sister_models_is_an_url_error(emulated, a_body, slash):  # errors
    path = "/services/aigc/video-generation/video-synthesis" + slash
    answer = emulated.post(a_body(), path=path)
    refused(emulated, answer, (400, "InvalidParameter", "url error, please check url!"))


def test_on_the_sister_path_other_models_are_not_found_here(emulated, a_body):
    path = "/services/aigc/video-generation/video-synthesis"
    answer = emulated.post(a_body(model="wan2.2-t2v-plus"), path=path)
    refused(emulated, answer, (404, "ModelNotFound", "The model wan2.2-t2v-plus"))


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
