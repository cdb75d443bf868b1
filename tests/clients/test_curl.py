"""The guide's curl lines, run by bash, on both targets; and what curl prints when it fails."""

import json
import os
import subprocess

import pytest
import requests

from tests.clients.guide import EXAMPLES, HOST, PICTURE, example, replaced
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE, plain

CREATES = ("curl-create", "curl-create-again")


def bash(code, key):
    environ = {"PATH": os.environ["PATH"], "DASHSCOPE_API_KEY": key, "NO_PROXY": "*"}
    ran = subprocess.run(["bash", "-c", code], env=environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_things_are_replaced_and_nothing_else(name, make_target):
    source, code = EXAMPLES[name]
    assert source.startswith("Source: the guide")
    target = make_target("api")
    pairs = replaced(name, target)
    assert {what for what, _, _ in pairs} <= {"base URL's host", "picture URL"}
    back = example(name, target)
    for _, theirs, ours in pairs:
        back = back.replace(ours, theirs)
    assert back == code
    # Every address of an example that is not a remark is one of the two.
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("#")]
    rest = PICTURE.sub("", "\n".join(lines)).replace(HOST, "")
    assert "://" not in rest.replace('"file://"', "")


@pytest.mark.parametrize("name", CREATES)
def test_the_two_steps(name, target):
    made = json.loads(bash(example(name, target), target.key))
    assert list(made) == ["output", "request_id"]
    assert list(made["output"]) == ["task_status", "task_id"]
    assert made["output"]["task_status"] == "PENDING"
    look = example("curl-get", target).replace("{task_id}", made["output"]["task_id"])
    early = json.loads(bash(look, target.key))
    assert early["output"]["task_status"] in {"PENDING", "RUNNING"}
    target.settle()
    ended = json.loads(bash(look, target.key))
    assert ended["output"]["task_status"] == "SUCCEEDED"
    # The guide's sample of the answer begins with these.
    assert list(ended)[:2] == ["request_id", "output"]
    assert list(ended["output"])[:2] == ["task_id", "task_status"]
    assert requests.get(ended["output"]["video_url"], timeout=5).content[4:8] == b"ftyp"
    (task,) = target.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)
    assert (task.film.resolution, task.film.watermark) == ("720P", True)


def test_both_targets_print_the_same_but_for_ids_links_and_moments(both):
    printed = []
    for target in both():
        made = bash(example("curl-create", target), target.key)
        look = example("curl-get", target)
        look = look.replace("{task_id}", json.loads(made)["output"]["task_id"])
        target.settle()
        answers = (json.loads(text) for text in (made, bash(look, target.key)))
        printed.append([plain(json.dumps(answer, ensure_ascii=False)) for answer in answers])
    for theirs, ours in zip(*printed, strict=True):
        assert ours == theirs


FAILURES = {
    "no-key": (lambda code: code, "", "No API-key provided."),
    "wrong-key": (lambda code: code, "sk-nobody", "Invalid API-key provided."),
    "key-of-another-region": (lambda code: code, "sk-local-beijing", "Invalid API-key provided."),
    "model-of-another-region": (
        lambda code: code.replace("wan2.2-kf2v-flash", "wanx2.1-kf2v-plus"),
        None,
        "The model wanx2.1-kf2v-plus does not exist.",
    ),
    "wrong-model": (
        lambda code: code.replace("wan2.2-kf2v-flash", "wan2.2-i2v-flash"),
        None,
        "url error, please check url!",
    ),
    "wrong-path": (
        lambda code: code.replace("/image2video/", "/video-generation/"),
        None,
        "url error, please check url!",
    ),
    "not-asynchronous": (
        lambda code: code.replace("-H 'X-DashScope-Async: enable' ", ""),
        None,
        "current user api does not support synchronous calls.",
    ),
    "bad-json": (
        lambda code: code.replace('"prompt_extend"', "prompt_extend"),
        None,
        "The input parameter requires json format.",
    ),
    "bad-picture": (
        lambda code: code.replace("wan-kf2v-blue-2.png", "broken.png"),
        None,
        "read image error",
    ),
    "no-picture": (
        lambda code: code.replace("wan-kf2v-blue-1.png", "missing.png"),
        None,
        "Failed to download multimodal content",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_printed_the_same_on_both_targets(both, case):
    change, key, message = FAILURES[case]
    printed = []
    for target in both():
        target.world.upstream.settings.change({"bad_frame": "refuse"})
        code = change(example("curl-create", target))
        answer = bash(code, target.key if key is None else key)
        printed.append(plain(json.dumps(json.loads(answer))))
        assert target.world.paid() == []
    assert printed[0] == printed[1]
    assert json.loads(printed[1])["message"] == message


@pytest.mark.parametrize("prompt", ["#moderation", "#moderation-input"])
def test_moderation_is_printed_the_same_on_both_targets(both, prompt):
    printed = []
    for target in both():
        code = example("curl-create", target)
        code = code.replace("镜头缓慢拉近", prompt + " ")
        answer = json.loads(bash(code, target.key))
        if "output" in answer:
            target.settle()
            task = answer["output"]["task_id"]
            look = example("curl-get", target).replace("{task_id}", task)
            answer = json.loads(bash(look, target.key))
        printed.append(plain(json.dumps(answer)))
    assert printed[0] == printed[1]
    assert "DataInspectionFailed" in printed[0]
