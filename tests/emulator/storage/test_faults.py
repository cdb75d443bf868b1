"""Failures that are declared, met as often as declared, and reported."""

import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed, ServiceUnavailable


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
