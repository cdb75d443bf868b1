"""The page at /docs: whole, without scripts, and everything of the contract on it."""

import re

import pytest


@pytest.fixture
def contract(world):
    return world.client.get("/openapi.json").get_json()


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_it_is_read_without_a_key_and_cached(make_world, path):
    world = make_world(env={"AUTH": "on", "OWNER_KEYS": "{}"})
    first = world.client.get(path)
    assert first.status_code == 200
    assert "max-age" in first.headers["Cache-Control"]
    again = world.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert world.client.head(path).status_code == 200


def test_the_page_is_whole_and_names_everything(world, contract):
    answer = world.client.get("/docs")
    text = answer.text
    assert answer.mimetype == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "<script" not in text
    for methods in contract["paths"].values():
        for words in methods.values():
            assert f'id="{words["operationId"]}"' in text
    for field in contract["components"]["schemas"]["VideoRequest"]["properties"]:
        assert f"<code>{field}</code>" in text
    assert "<code>overloaded</code>" in text
