"""Files that clients upload before they name them: nothing is overwritten, and each lives for two days."""

import json
import xml.etree.ElementTree as ET

import pytest

from lib.web.auth import digest
from tests.web.compat.test_uploads import form, post

KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}


ALICE, BOB = {"Authorization": "Bearer key-a"}, {"Authorization": "Bearer key-b"}


CREATE = "/api/v1/services/aigc/image2video/video-synthesis"


FLASH, PLUS = "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"


RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


@pytest.fixture
def world(make_world):
    return make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})


def policy(world, owner=ALICE, model=FLASH, **options):
    path = f"/api/v1/uploads?action=getPolicy&model={model}"
    return world.client.get(path, headers=owner, **options).json


def refusal(answer):
    assert answer.content_type == "application/xml"
    root = ET.fromstring(answer.data)
    assert [child.tag for child in root] == ["Code", "Message"]
    return answer.status_code, root[0].text


def uploaded(world, owner=ALICE, model=FLASH, name="first.png", data=None):
    fields = form(policy(world, owner, model)["data"], name)
    answer = post(world, fields, data)
    assert (answer.status_code, answer.data) == (200, b"")
    return f"oss://{fields['key']}"


def create(world, url, owner=ALICE, model=FLASH, resolve=RESOLVE):
    source = {"first_frame_url": url, "last_frame_url": url}
    headers = {**owner, **resolve, "X-DashScope-Async": "enable"}
    return world.client.post(CREATE, json={"model": model, "input": source}, headers=headers)


UNREADABLE = (400, "InvalidParameter.DataInspection")


def said(answer):
    return answer.status_code, answer.json.get("code")


def test_a_file_counts_for_48_hours(world):
    url = uploaded(world)
    world.clock.advance(48 * 3600)
    assert create(world, url).status_code == 200
    world.clock.advance(1)
    assert said(create(world, url)) == UNREADABLE


def test_nothing_is_overwritten_and_the_same_file_twice_is_one(world):
    fields = form(policy(world)["data"])
    assert post(world, fields).status_code == 200
    assert post(world, fields).status_code == 200  # a re-sent form
    assert refusal(post(world, fields, b"another")) == (409, "FileAlreadyExists")
    assert create(world, f"oss://{fields['key']}").status_code == 200
