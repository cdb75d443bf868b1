"""How an object looks in JSON, and what a projection leaves of it."""

import pytest

from lib.emulator.storage.errors import StorageError
from lib.emulator.storage.resources import project

TREE = {"kind": "k", "items": [{"name": "a", "size": "1"}, {"name": "b"}], "prefixes": ["p/"]}


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        (None, TREE),
        ("*", TREE),
        ("kind", {"kind": "k"}),
        ("items/name,kind", {"items": [{"name": "a"}, {"name": "b"}], "kind": "k"}),
        ("items(name,size)", {"items": [{"name": "a", "size": "1"}, {"name": "b"}]}),
        ("items(*)", {"items": TREE["items"]}),
        ("nextPageToken", {}),
    ],
)
def test_a_projection_leaves_what_was_asked_for(fields, left):
    assert project(TREE, fields) == left


@pytest.mark.parametrize("fields", ["items(name", "items)", "kind)x"])
def test_a_projection_that_is_none_is_refused(fields):
    with pytest.raises(StorageError) as refused:
        project(TREE, fields)
    assert refused.value.status == 400


def test_numbers_are_texts_and_links_hold_the_whole_name(emulated):
    name = "a b/ä?.mp4"
    blob = emulated.write(name)
    found = emulated.call("GET", blob.path.replace("/b/", "/storage/v1/b/", 1)).json()
    assert isinstance(found["size"], str)
    assert found["timeCreated"] == found["updated"]
    assert found["timeCreated"].endswith("Z")
    assert found["selfLink"].endswith("/storage/v1/b/home/o/a%20b%2F%C3%A4%3F.mp4")
    assert emulated.web.get(found["mediaLink"]).content == b"content"
