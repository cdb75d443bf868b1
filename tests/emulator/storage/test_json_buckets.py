"""Buckets over the JSON API: made, found, changed under conditions, and gone; the rest is refused."""

ONE = "/storage/v1/b/other"


def made(emulated):
    answer = emulated.call("POST", "/storage/v1/b?project=p", json={"name": "other"})
    assert answer.status_code == 200
    return answer.json()


def test_a_bucket_is_made_once_and_found_in_the_list(emulated):
    assert made(emulated)["selfLink"].endswith(ONE)
    assert emulated.call("POST", "/storage/v1/b", json={"name": "other"}).status_code == 409
    rows = emulated.call("GET", "/storage/v1/b?project=p").json()["items"]
    assert [row["name"] for row in rows] == ["home", "other"]


def test_a_change_moves_the_metageneration_and_keeps_its_condition(emulated):
    made(emulated)
    change = {"labels": {"a": "b"}}
    first = emulated.call("PATCH", f"{ONE}?ifMetagenerationMatch=1", json=change)
    assert (first.status_code, first.json()["metageneration"]) == (200, "2")
    assert emulated.call("PATCH", f"{ONE}?ifMetagenerationMatch=1", json=change).status_code == 412
    assert emulated.call("GET", f"{ONE}?ifMetagenerationNotMatch=2").status_code == 304
    assert emulated.call("GET", ONE).json()["labels"] == {"a": "b"}


def test_a_bucket_goes_when_it_is_empty(emulated):
    made(emulated)
    emulated.write()
    assert emulated.call("DELETE", "/storage/v1/b/home").status_code == 409
    assert emulated.call("DELETE", ONE).status_code == 204
    assert emulated.call("GET", ONE).status_code == 404
