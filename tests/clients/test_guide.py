"""The guide's Python examples, each in a fresh process, with each SDK, on both targets."""

import json

import pytest
import requests

from tests.clients.guide import example
from tests.clients.sdks import VERSIONS, environ
from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

every_release = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def run(launchers):
    """What an example prints; the base URL is the one that it sets itself."""

    def play(code, version, target, folder):
        (folder / "example.py").write_text(code, "utf-8")
        env = environ(version, target)
        del env["DASHSCOPE_HTTP_BASE_URL"]
        with target.time_passes():
            code, out, err = launchers.run(version, ["example.py"], cwd=folder, env=env)
        assert code == 0, out + err
        return out.splitlines()

    return play


def check(link, target):
    assert requests.get(link, timeout=5).content[4:8] == b"ftyp"
    bucket = f"{target.world.storage_url}/inbetween-test/videos/alice/"
    assert link.startswith(bucket) == (target.name == "api")
    (task,) = target.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)
    return task


@every_release
def test_the_synchronous_example(run, version, target, tmp_path):
    wait, response, link = run(example("python-sync", target), version, target, tmp_path)
    assert wait == "please wait..."
    output = json.loads(response)["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert link == f"video_url: {output['video_url']}"
    assert check(output["video_url"], target).film.watermark is True


@every_release
def test_the_asynchronous_example(run, version, target, tmp_path):
    made, task_id, ended, link = run(example("python-async", target), version, target, tmp_path)
    assert json.loads(made)["output"]["task_status"] == "PENDING"
    assert task_id == f"task_id: {json.loads(made)['output']['task_id']}"
    assert json.loads(ended)["output"]["task_status"] == "SUCCEEDED"
    check(link, target)


@every_release
def test_the_example_of_many_ways_with_links(run, version, target, tmp_path):
    lines = run(example("python-files", target), version, target, tmp_path)
    check(lines[-1], target)


@every_release
@pytest.mark.parametrize("way", ["absolute", "relative"])
def test_the_example_of_many_ways_with_files(run, version, target, tmp_path, way):
    """The guide's own second way: its commented lines take the place of the first."""
    (tmp_path / "first_frame.png").write_bytes(FIRST_PICTURE)
    (tmp_path / "last_frame.png").write_bytes(LAST_PICTURE)
    code = example("python-files", target)
    part = "/path/to/your/" if way == "absolute" else "./"
    for name in ("first", "last"):
        line = f'# {name}_frame_url = "file://" + "{part}{name}_frame.png"'
        if way == "absolute" and name == "last":
            # The guide shows Windows for the last frame.
            line = '# last_frame_url = "file://" + "C:/path/to/your/last_frame.png"'
        assert code.count(line) == 1
        code = code.replace(line, line[2:])
    code = code.replace("/path/to/your", str(tmp_path)).replace('"C:/', '"/')
    check(run(code, version, target, tmp_path)[-1], target)
