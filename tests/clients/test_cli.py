"""The SDK's own command line (`dashscope video-synthesis`), of the releases that have it."""

import json

import pytest
import requests

from tests.clients.sdks import environ, folder
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE, plain

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

every_release = pytest.mark.parametrize("version", ["1.27.8", "2.0.2"])
# The command line is one file, the same in both; a process of it takes two seconds.
one_release = pytest.mark.parametrize("version", ["2.0.2"])


@pytest.fixture
def cli(launchers):
    """What `dashscope video-synthesis ...` prints, and how it ends."""

    def call(version, target, cwd, *words, key=None):
        env = environ(version, target, COLUMNS="5000", DASHSCOPE_API_KEY=key or target.key)
        program = [folder(version) / "bin" / "dashscope", "video-synthesis"]
        status, out, err = launchers.run(version, [*program, *words], cwd=cwd, env=env)
        return status, out + err

    return call


def first_json(text):
    """The first JSON object in what was printed."""
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]


def arguments(target, **changes):
    known = {
        "--model": "wan2.2-kf2v-flash",
        "--prompt": "rain",
        "--first-frame-url": target.first,
        "--last-frame-url": target.last,
        "--resolution": "480P",
        **changes,
    }
    return ["create", *(word for pair in known.items() for word in pair)]


def made(target, tmp_path, version, prompt="rain"):
    """A task that some other client made."""
    body = {
        "model": "wan2.2-kf2v-flash",
        "input": {
            "prompt": prompt,
            "first_frame_url": target.first,
            "last_frame_url": target.last,
        },
    }
    headers = {"Authorization": f"Bearer {target.key}", "X-DashScope-Async": "enable"}
    url = f"{target.url}/services/aigc/image2video/video-synthesis"
    answer = requests.post(url, json=body, headers=headers, timeout=5)
    return answer.json()["output"]["task_id"]


@every_release
def test_create_waits_for_the_film(cli, version, target, tmp_path):
    with target.time_passes():
        status, text = cli(version, target, tmp_path, *arguments(target), "--watermark")
    assert status == 0, text
    output = first_json(text)
    assert output["task_status"] == "SUCCEEDED"
    assert requests.get(output["video_url"], timeout=5).content[4:8] == b"ftyp"
    (task,) = target.world.paid()
    assert (task.film.resolution, task.film.watermark) == ("480P", True)


@every_release
def test_create_with_files(cli, version, target, tmp_path):
    (tmp_path / "a.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "b.png").write_bytes(LAST_PICTURE)
    frames = {"--first-frame-url": "file://./a.png", "--last-frame-url": "b.png"}
    with target.time_passes():
        status, text = cli(version, target, tmp_path, *arguments(target, **frames))
    assert status == 0, text
    (task,) = target.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)


@every_release
def test_fetch_wait_cancel_list(cli, version, target, tmp_path):
    task = made(target, tmp_path, version)
    status, text = cli(version, target, tmp_path, "fetch", task)
    assert status == 0, text
    assert first_json(text)["task_status"] in {"PENDING", "RUNNING"}
    with target.time_passes():
        status, text = cli(version, target, tmp_path, "wait", task)
    assert status == 0, text
    assert first_json(text)["task_status"] == "SUCCEEDED"
    status, text = cli(version, target, tmp_path, "list")
    assert status == 0, text
    assert first_json(text)["data"][0]["task_id"] == task
    other = made(target, tmp_path, version, "snow")
    status, text = cli(version, target, tmp_path, "cancel", other)
    assert status == 0, text
    assert target.get(other)["output"]["task_status"] == "CANCELED"


@one_release
@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({}, "sk-nobody", "Invalid API-key provided."),
        ({}, "sk-local-beijing", "Invalid API-key provided."),
        ({"--model": "wanx2.1-kf2v-plus"}, None, "The model wanx2.1-kf2v-plus does not exist."),
        ({"--model": "wan9-kf2v"}, None, "The model wan9-kf2v does not exist."),
        ({"--first-frame-url": "small.png"}, None, "the size of input image is too small"),
        ({"--prompt": "#moderation-input"}, None, "Input data may contain inappropriate content."),
    ],
    ids=["key", "region-key", "region-model", "model", "picture", "moderation"],
)
def test_a_failure_prints_the_same_on_both_targets(
    cli, version, both, tmp_path, changes, key, message
):
    printed = []
    for target in both():
        target.world.upstream.settings.change({"bad_frame": "refuse"})
        wanted = dict(changes)
        if "--first-frame-url" in wanted:
            wanted["--first-frame-url"] = f"{target.pictures}/{wanted['--first-frame-url']}"
        words = arguments(target, **wanted)
        status, text = cli(version, target, tmp_path, *words, key=key)
        assert status != 0
        printed.append(plain(text))
    assert printed[0] == printed[1]
    assert message in printed[1]


@one_release
def test_a_failed_task_prints_the_same_on_both_targets(cli, version, both, tmp_path):
    printed = []
    for target in both():
        task = made(target, tmp_path, version, "#moderation")
        target.settle()
        printed.append(plain("{} {}".format(*cli(version, target, tmp_path, "fetch", task))))
    assert printed[0] == printed[1]
    assert "inappropriate" in printed[0]
