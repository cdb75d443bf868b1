"""Time that is moved, failures that are declared, calls that are counted."""

import datetime as dt

import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed, ServiceUnavailable
from google.cloud.storage._signing import generate_signed_url_v4

DAY_S = 24 * 3600
URL = "http://storage.test"


def sign(emulated, name, expires=600):
    stamp = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    return generate_signed_url_v4(
        emulated.signer,
        resource=f"/home/{name}",
        expiration=expires,
        api_access_endpoint=URL,
        _request_timestamp=stamp,
    )


def test_a_link_dies_when_its_time_has_come(emulated):
    emulated.write("film")
    url = sign(emulated, "film")
    emulated.call("POST", "/emulator/clock", json={"advance_s": 600})
    assert emulated.web.get(url).status_code == 200
    emulated.clock.advance(1)
    answer = emulated.web.get(url)
    assert answer.status_code == 400
    assert "ExpiredToken" in answer.text


def test_a_link_of_the_future_is_refused_until_its_time(emulated):
    emulated.write("film")
    emulated.clock.advance(0)
    ahead = dt.datetime.fromtimestamp(emulated.clock.now() + 3600, dt.UTC)
    url = generate_signed_url_v4(
        emulated.signer,
        resource="/home/film",
        expiration=600,
        api_access_endpoint=URL,
        _request_timestamp=ahead.strftime("%Y%m%dT%H%M%SZ"),
    )
    assert emulated.web.get(url).status_code == 403
    emulated.clock.advance(3000)
    assert emulated.web.get(url).status_code == 200


def test_all_times_are_the_clocks(emulated):
    blob = emulated.write()
    emulated.clock.advance(100)
    blob.metadata = {"a": "b"}
    blob.patch()
    start = emulated.clock.now() - 100
    assert blob.time_created.timestamp() == start
    assert blob.updated.timestamp() == start + 100
    date = emulated.call("GET", "/storage/v1/b/home").headers["Date"]
    moment = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC)
    assert date == moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_the_clock_is_read_and_never_runs_back(emulated):
    now = emulated.call("GET", "/emulator/clock").json()["now"]
    assert now == emulated.clock.now()
    for wrong in (-1, "soon", None):
        answer = emulated.call("POST", "/emulator/clock", json={"advance_s": wrong})
        assert answer.status_code == 400
    assert emulated.clock.now() == now


def test_generations_grow_on_a_frozen_clock(emulated):
    generations = [emulated.write().generation for _ in range(5)]
    assert generations == sorted(set(generations))


RULES = {
    "age": {"age": 7},
    "custom time": {"daysSinceCustomTime": 7},
    "day": {"customTimeBefore": "2031-01-01"},
    "class": {"age": 7, "matchesStorageClass": ["STANDARD"]},
}


@pytest.mark.parametrize("name", RULES)
def test_lifecycle_runs_when_the_clock_moves(emulated, name):
    rule = {"action": {"type": "Delete"}, "condition": RULES[name] | {"matchesPrefix": ["tmp/"]}}
    emulated.call("PATCH", "/storage/v1/b/home", json={"lifecycle": {"rule": [rule]}})
    custom = dt.datetime.fromtimestamp(emulated.clock.now(), dt.UTC)
    emulated.write("tmp/old", custom_time=custom)
    emulated.write("kept/old", custom_time=custom)
    emulated.clock.advance(6 * DAY_S)
    early = ["kept/old"] if name == "day" else ["kept/old", "tmp/old"]
    assert emulated.names() == early
    emulated.write("tmp/new", storage_class="NEARLINE")
    emulated.clock.advance(DAY_S)
    assert emulated.names() == ["kept/old", "tmp/new"]


def test_lifecycle_changes_the_class(emulated):
    rule = {
        "action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
        "condition": {"age": 1},
    }
    emulated.call("PATCH", "/storage/v1/b/home", json={"lifecycle": {"rule": [rule]}})
    blob = emulated.write()
    emulated.clock.advance(DAY_S)
    blob.reload()
    assert (blob.storage_class, blob.metageneration) == ("COLDLINE", 1)


def test_an_upload_session_lives_a_week(emulated):
    answer = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x")
    uri = answer.headers["Location"]
    emulated.clock.advance(7 * DAY_S)
    assert emulated.web.put(uri, headers={"Content-Range": "bytes */*"}).status_code == 308
    emulated.clock.advance(1)
    assert emulated.web.put(uri, data=b"late").status_code == 410


def fault(emulated, **fields):
    answer = emulated.call("POST", "/emulator/faults", json=fields)
    assert answer.status_code == 200, answer.text


def report(emulated):
    return emulated.call("GET", "/emulator/faults").json()["faults"]


def test_a_status_as_often_as_declared(emulated):
    emulated.write("a/1")
    fault(emulated, name="flaky", method="PATCH", object="a/*", status=503, times=2)
    blob = emulated.bucket.blob("a/1")
    for _ in range(2):
        blob.metadata = {"k": "v"}
        with pytest.raises(ServiceUnavailable):
            blob.patch(retry=None)
    assert report(emulated)[0]["completed"]
    blob.patch(retry=None)
    blob.reload()
    assert blob.metageneration == 2


def test_a_fault_meets_only_what_it_names(emulated):
    emulated.write("b")
    fault(emulated, method="DELETE", object="a*", status=500)
    emulated.bucket.blob("b").reload(retry=None)
    emulated.bucket.blob("b").delete(retry=None)
    assert not report(emulated)[0]["completed"]


@pytest.mark.parametrize(("drop", "there"), [("before", False), ("after", True)])
def test_a_cut_before_or_after_the_write(emulated, drop, there):
    fault(emulated, method="POST", object="x", drop=drop)
    with pytest.raises(requests.ConnectionError):
        emulated.bucket.blob("x").upload_from_string(b"x", retry=None)
    assert emulated.bucket.blob("x").exists() is there
    assert report(emulated)[0]["completed"]


def test_a_lost_answer_looks_like_a_conflict_to_the_clients_own_retry(emulated):
    fault(emulated, method="POST", object="x", drop="after")
    with pytest.raises(PreconditionFailed):
        emulated.bucket.blob("x").upload_from_string(b"x", if_generation_match=0)
    assert emulated.bucket.blob("x").download_as_bytes() == b"x"


def test_a_download_that_breaks_off(emulated):
    emulated.write("film", b"x" * 100_000)
    fault(emulated, method="GET", object="film", drop="during")
    with pytest.raises((requests.RequestException, ConnectionError)):
        emulated.call("GET", "/storage/v1/b/home/o/film?alt=media")
    assert len(emulated.bucket.blob("film").download_as_bytes()) == 100_000


def test_a_listing_can_fail(emulated):
    fault(emulated, method="LIST", object="pending/*", status=500)
    with pytest.raises(GoogleAPICallError):
        list(emulated.bucket.list_blobs(prefix="pending/x", retry=None))
    assert list(emulated.bucket.list_blobs(prefix="pending/x")) == []


def test_a_chunk_of_a_resumable_upload_can_be_lost(emulated):
    fault(emulated, method="PUT", object="film", drop="after", times=1)
    quantum = 256 * 1024
    with emulated.bucket.blob("film").open("wb", chunk_size=quantum) as writer:
        writer.write(b"x" * (quantum * 2 + 5))
    assert emulated.bucket.blob("film").download_as_bytes() == b"x" * (quantum * 2 + 5)
    assert report(emulated)[0]["completed"]


@pytest.mark.parametrize(
    "wrong", [{"verb": "GET"}, {"drop": "sometimes"}, {"status": 200}, {"times": "twice"}]
)
def test_a_fault_that_makes_no_sense_is_400(emulated, wrong):
    assert emulated.call("POST", "/emulator/faults", json=wrong).status_code == 400
    assert report(emulated) == []


def test_requests_are_counted_and_logged_without_signatures(emulated):
    emulated.write("film")
    emulated.names()
    emulated.web.get(sign(emulated, "film"))
    counters = emulated.call("GET", "/emulator/counters").json()["counters"]
    assert counters == {"objects.insert": 1, "objects.list": 1, "xml.get": 1}
    rows = emulated.call("GET", "/emulator/requests").json()["requests"]
    assert [row["status"] for row in rows] == [200, 200, 200]
    assert rows[-1]["path"] == "/home/film"
    assert "Signature" not in str(rows)


def test_reset_empties_everything(emulated):
    emulated.write()
    fault(emulated, status=500)
    answer = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x")
    assert answer.status_code == 500
    uri = emulated.call("POST", "/upload/storage/v1/b/home/o?uploadType=resumable&name=x").headers[
        "Location"
    ]
    emulated.call("POST", "/emulator/reset")
    assert emulated.names() == []
    assert report(emulated) == []
    assert emulated.web.put(uri, data=b"x").status_code == 404
    assert emulated.call("GET", "/emulator/counters").json()["counters"].keys() == {
        "objects.list",
        "uploads.send",
    }


def test_a_foreign_web_page_cannot_empty_the_buckets(emulated):
    emulated.write()
    origin = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert emulated.call("POST", "/emulator/reset", headers=origin).status_code == 403
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = emulated.call("OPTIONS", "/emulator/reset", headers=asked)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert emulated.names() == ["object"]


def test_a_page_of_a_listing_holds_1000_at_most(emulated):
    for number in range(1003):
        emulated.write(f"n{number:04}", b"")
    for asked in ("", "?maxResults=5000"):
        body = emulated.call("GET", f"/storage/v1/b/home/o{asked}").json()
        assert len(body["items"]) == 1000
        assert body["nextPageToken"]
    assert len(emulated.names()) == 1003
