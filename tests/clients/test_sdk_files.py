"""Frames from the disk: every way to name a file that an SDK uploads, on both targets."""

import json

import pytest
import requests

from tests.clients.targets import FIRST_PICTURE, LAST_PICTURE

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

CODE = """
from dashscope import VideoSynthesis
print(VideoSynthesis.async_call(api_key=KEY, model=MODEL, prompt="rain",
    first_frame_url=FIRST, last_frame_url=LAST))
"""


def create(sdk, target, folder, first, last, model="wan2.2-kf2v-flash"):
    text = sdk.run(CODE, target, cwd=folder, FIRST=first, LAST=last, MODEL=model)
    assert text.startswith("{"), text
    return json.loads(text)


def put(folder, *names):
    for name, data in zip(names, (FIRST_PICTURE, LAST_PICTURE), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    ("first", "last", "form"),
    [
        ("first.png", "last.png", "file://{folder}/{name}"),
        ("first.png", "last.png", "file://./{name}"),
        ("first.png", "last.png", "{folder}/{name}"),
        ("my frames/first one.png", "my frames/last one.png", "file://{folder}/{name}"),
        ("first frame.png", "last frame.png", "file://./{name}"),
        ("帧/首帧.png", "帧/尾帧.png", "file://{folder}/{name}"),
        ("C:/frames/first.png", "C:/frames/last.png", "file://{name}"),
        ("C:\\frames\\first.png", "C:\\frames\\last.png", "file://{name}"),
    ],
    ids=[
        "absolute",
        "relative",
        "plain-path",
        "spaces",
        "relative-spaces",
        "chinese",
        "windows-slashes",
        "windows-backslashes",
    ],
)
def test_a_file_of_the_disk_becomes_a_frame(sdk, target, tmp_path, first, last, form):
    put(tmp_path, first, last)
    links = [form.format(folder=tmp_path, name=name) for name in (first, last)]
    made = create(sdk, target, tmp_path, *links)
    assert made["status_code"] == 200, made
    (task,) = target.world.paid()
    assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)
    if target.name == "emulator":
        assert task.body["input"]["first_frame_url"].startswith("oss://dashscope-instant/")
    else:
        stored = target.world.names("uploads/alice/dashscope-instant/")
        assert len(stored) == 2
        assert task.body["input"]["first_frame_url"].startswith("http")
    target.settle()
    answer = target.get(made["output"]["task_id"])
    assert requests.get(answer["output"]["video_url"], timeout=5).content[4:8] == b"ftyp"


def test_a_file_that_is_not_there_is_said_before_anything_is_sent(sdk, target, tmp_path):
    text = sdk.run(CODE, target, cwd=tmp_path, FIRST="file://./no.png", MODEL="wan2.2-kf2v-flash")
    assert text == "InvalidInput: The file: ./no.png is not exists!\n"
    assert target.world.paid() == []


def test_two_files_of_one_name_from_two_folders(sdk, target, tmp_path):
    put(tmp_path, "a/frame.png", "b/frame.png")
    links = [f"file://{tmp_path}/{name}/frame.png" for name in "ab"]
    text = sdk.run(
        CODE, target, cwd=tmp_path, FIRST=links[0], LAST=links[1], MODEL="wan2.2-kf2v-flash"
    )
    if sdk.version == "1.25.8":
        # This release uploads both under one policy, and a policy forbids to overwrite.
        assert text.startswith("UploadFileException")
        assert "FileAlreadyExists" in text
        assert target.world.paid() == []
    else:
        assert json.loads(text)["status_code"] == 200
        (task,) = target.world.paid()
        assert (task.film.first, task.film.last) == (FIRST_PICTURE, LAST_PICTURE)


def test_a_file_may_be_used_while_the_clock_stands_at_the_end_of_its_life(make_target, sdk):
    for target in map(make_target, ("emulator", "api")):
        upload = """
from dashscope.utils.oss_utils import OssUtils
from pathlib import Path
Path("a.png").write_bytes(bytes.fromhex(DATA))
url = OssUtils.upload(model="wan2.2-kf2v-flash", file_path="a.png", api_key=KEY)
print(url if isinstance(url, str) else url[0])
"""
        name = sdk.run(upload, target, DATA=FIRST_PICTURE.hex()).strip()
        assert name.startswith("oss://dashscope-instant/"), name
        target.world.clock.advance(48 * 3600 - 60)
        made = create(sdk, target, ".", name, target.last)
        assert made["status_code"] == 200
        target.world.clock.advance(120)
        target.world.upstream.settings.change({"bad_frame": "refuse"})
        late = create(sdk, target, ".", name, target.first)
        assert (late["status_code"], late["code"]) == (400, "InvalidParameter.DataInspection")
        other = create(sdk, target, ".", name, target.first, "wan2.1-kf2v-plus")
        assert (other["status_code"], other["code"]) == (400, "InvalidParameter.DataInspection")
