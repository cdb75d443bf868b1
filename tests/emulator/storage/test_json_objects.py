"""Objects over the JSON API: read, changed and deleted as they were seen, and never half."""

ONE = "/storage/v1/b/home/o/object"


def test_an_object_is_what_its_resource_says(emulated):
    blob = emulated.write()
    found = emulated.call("GET", ONE).json()
    assert (found["name"], found["size"], found["generation"]) == (
        "object",
        "7",
        str(blob.generation),
    )
    assert emulated.call("GET", f"{ONE}?alt=media").content == b"content"
    assert emulated.call("GET", f"{ONE}?generation=1").status_code == 404
    assert emulated.call("GET", f"{ONE}?generation=one").status_code == 400


def test_a_patch_adds_and_takes_away_and_an_update_replaces(emulated):
    emulated.write(metadata={"a": "1", "b": "2"})
    change = {"metadata": {"a": None, "c": "3"}, "cacheControl": "no-store"}
    patched = emulated.call("PATCH", ONE, json=change).json()
    assert (patched["metadata"], patched["cacheControl"]) == ({"b": "2", "c": "3"}, "no-store")
    replaced = emulated.call("PUT", ONE, json={"metadata": {"d": "4"}}).json()
    assert replaced["metadata"] == {"d": "4"}
    assert "cacheControl" not in replaced
    assert emulated.call("PATCH", ONE, json={"metadata": "x"}).status_code == 400


def test_a_change_and_a_delete_keep_their_conditions(emulated):
    blob = emulated.write()
    stale, live = f"{ONE}?ifGenerationMatch=1", f"{ONE}?ifGenerationMatch={blob.generation}"
    assert emulated.call("PATCH", stale, json={}).status_code == 412
    assert emulated.call("DELETE", stale).status_code == 412
    assert emulated.names() == ["object"]
    assert emulated.call("DELETE", live).status_code == 204
    assert emulated.call("DELETE", live).status_code == 404


def test_a_list_of_what_is_not_kept_here_is_501(emulated):
    assert emulated.call("GET", "/storage/v1/b/home/o?versions=false").status_code == 200
    answer = emulated.call("GET", "/storage/v1/b/home/o?versions=true")
    assert answer.status_code == 501
    assert "versions" in answer.text
