"""Resumable uploads, step by step over HTTP and through the client."""

import base64
import io

import google_crc32c
import pytest

DOCS = "https://cloud.google.com/storage/docs"
pytestmark = pytest.mark.page(f"{DOCS}/performing-resumable-uploads")

QUANTUM = 256 * 1024


class Upload:
    """A session and the requests to it."""

    def __init__(self, space, **options):
        self.space = space
        headers = options.pop("headers", {})
        params = {"uploadType": "resumable", "name": space.prefix + "object"}
        answer = space.endpoint.json(
            "POST",
            space.uploads(),
            params=params | options.pop("params", {}),
            json=options.pop("json", {}),
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
        self.uri = answer.headers["Location"]

    def send(self, data, content_range=None, **headers):
        if content_range:
            headers["Content-Range"] = content_range
        http = self.space.endpoint.client._http
        return http.put(
            self.uri, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def status(self, total="*"):
        return self.send(b"", f"bytes */{total}")

    def cancel(self):
        return self.space.endpoint.client._http.delete(self.uri, headers={"Content-Length": "0"})


def crc32c(data):
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def test_everything_in_one_request(space):
    answer = Upload(space).send(b"whole")
    assert answer.status_code == 200
    assert answer.json()["size"] == "5"
    assert space.blob().download_as_bytes() == b"whole"


def test_chunks_of_a_known_total(space):
    upload, data = Upload(space), b"a" * QUANTUM + b"b" * 100
    first = upload.send(data[:QUANTUM], f"bytes 0-{QUANTUM - 1}/{len(data)}")
    assert first.status_code == 308
    assert first.headers["Range"] == f"bytes=0-{QUANTUM - 1}"
    assert space.fresh() is None
    last = upload.send(data[QUANTUM:], f"bytes {QUANTUM}-{len(data) - 1}/{len(data)}")
    assert last.status_code == 200
    assert space.blob().download_as_bytes() == data


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#unknown-resumable")
def test_chunks_of_an_unknown_total(space):
    upload = Upload(space)
    first = upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    assert first.status_code == 308
    last = upload.send(b"b", f"bytes {QUANTUM}-{QUANTUM}/{QUANTUM + 1}")
    assert last.status_code == 200
    assert space.fresh().size == QUANTUM + 1


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#unknown-resumable")
def test_a_total_told_without_bytes_finishes(space):
    upload = Upload(space)
    upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    assert upload.status(QUANTUM).status_code == 200
    assert space.fresh().size == QUANTUM


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#status-check")
def test_the_status_before_any_byte_has_no_range(space):
    answer = Upload(space).status()
    assert answer.status_code == 308
    assert "Range" not in answer.headers
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#status-check")
def test_the_status_tells_what_has_arrived(space):
    upload = Upload(space)
    upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/{QUANTUM * 2}")
    answer = upload.status(QUANTUM * 2)
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#status-check")
def test_the_status_of_a_finished_upload_is_200(space):
    upload = Upload(space)
    upload.send(b"done")
    assert upload.status(4).status_code == 200
    assert space.fresh().size == 4


def test_a_chunk_that_is_sent_again_is_not_stored_twice(space):
    upload, data = Upload(space), b"a" * QUANTUM + b"b" * QUANTUM + b"c"
    for _ in range(2):
        answer = upload.send(data[:QUANTUM], f"bytes 0-{QUANTUM - 1}/{len(data)}")
        assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    upload.send(data[QUANTUM:], f"bytes {QUANTUM}-{len(data) - 1}/{len(data)}")
    assert space.blob().download_as_bytes() == data


def test_a_chunk_that_overlaps_adds_only_what_is_new(space):
    upload, data = Upload(space), bytes(range(256)) * 1024 * 2 + b"end"
    upload.send(data[:QUANTUM], f"bytes 0-{QUANTUM - 1}/{len(data)}")
    answer = upload.send(data[1000:], f"bytes 1000-{len(data) - 1}/{len(data)}")
    assert answer.status_code == 200
    assert space.blob().download_as_bytes() == data


def test_a_gap_is_refused(space):
    upload = Upload(space)
    upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/{QUANTUM * 3}")
    answer = upload.send(b"c" * QUANTUM, f"bytes {QUANTUM * 2}-{QUANTUM * 3 - 1}/{QUANTUM * 3}")
    assert 400 <= answer.status_code < 500
    assert upload.status().headers["Range"] == f"bytes=0-{QUANTUM - 1}"
    assert space.fresh() is None


def test_the_last_request_repeated_is_200_and_writes_nothing(space):
    upload = Upload(space)
    first = upload.send(b"once", "bytes 0-3/4").json()
    again = upload.send(b"once", "bytes 0-3/4")
    assert again.status_code == 200
    assert again.json()["generation"] == first["generation"]
    assert space.fresh().generation == int(first["generation"])


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#cancel-upload")
def test_cancel_answers_499(space):
    upload = Upload(space)
    upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    assert upload.cancel().status_code == 499
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/performing-resumable-uploads#cancel-upload")
def test_a_cancelled_upload_takes_nothing_more(space):
    upload = Upload(space)
    upload.cancel()
    assert 400 <= upload.send(b"late").status_code < 500
    assert 400 <= upload.status().status_code < 500
    assert space.fresh() is None


def test_an_unknown_session_is_refused(space):
    upload = Upload(space)
    upload.uri = upload.uri.partition("upload_id=")[0] + "upload_id=made-up"
    assert upload.send(b"x").status_code in {400, 404, 410}


@pytest.mark.page(f"{DOCS}/hashes-etags#validating")
@pytest.mark.parametrize(
    "declared", [{"md5Hash": "AAAAAAAAAAAAAAAAAAAAAA=="}, {"crc32c": "AAAAAA=="}], ids=str
)
def test_a_wrong_checksum_declared_at_the_start_is_refused_at_the_end(space, declared):
    answer = Upload(space, json=declared).send(b"content")
    assert answer.status_code == 400
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/hashes-etags#validating")
def test_a_wrong_checksum_declared_at_the_end_is_refused(space):
    answer = Upload(space).send(b"content", **{"X-Goog-Hash": "crc32c=AAAAAA=="})
    assert answer.status_code == 400
    assert space.fresh() is None


@pytest.mark.page(f"{DOCS}/hashes-etags#validating")
def test_a_right_checksum_is_taken(space):
    answer = Upload(space, json={"crc32c": crc32c(b"content")}).send(b"content")
    assert answer.status_code == 200


def test_the_metadata_of_the_start_is_that_of_the_object(space):
    fields = {"metadata": {"a": "ü"}, "cacheControl": "no-store", "contentLanguage": "de"}
    Upload(space, json=fields, headers={"X-Upload-Content-Type": "video/mp4"}).send(b"x")
    found = space.fresh()
    assert (found.metadata, found.cache_control) == ({"a": "ü"}, "no-store")
    assert (found.content_type, found.content_language) == ("video/mp4", "de")


def test_zero_bytes(space):
    assert Upload(space).send(b"").status_code == 200
    assert space.fresh().size == 0


@pytest.mark.parametrize("size", [0, 1, QUANTUM - 1, QUANTUM, QUANTUM + 1, 3 * QUANTUM])
def test_a_stream_of_unknown_length_through_the_client(space, size):
    data = bytes(number % 251 for number in range(size))
    with space.blob().open("wb", chunk_size=QUANTUM) as writer:
        for at in range(0, size, 70_000):
            writer.write(data[at : at + 70_000])
    found = space.fresh()
    assert found.size == size
    assert found.download_as_bytes() == data


@pytest.mark.parametrize("size", [1, QUANTUM, QUANTUM + 1, 2 * QUANTUM])
def test_a_file_of_known_length_through_the_client(space, size):
    data = bytes(number % 253 for number in range(size))
    blob = space.blob(chunk_size=QUANTUM)
    blob.upload_from_file(io.BytesIO(data), size=size)
    assert space.blob().download_as_bytes() == data


def test_a_stream_that_was_aborted_leaves_nothing(space):
    def write():
        with space.blob().open("wb", chunk_size=QUANTUM) as writer:
            writer.write(b"x" * (2 * QUANTUM))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert space.fresh() is None


def test_an_unfinished_upload_does_not_touch_the_old_object(space):
    space.write(data=b"old")
    upload = Upload(space)
    upload.send(b"a" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    assert space.blob().download_as_bytes() == b"old"
    assert space.names() == ["object"]


def test_two_sessions_for_one_name_do_not_mix(space):
    one, two = Upload(space), Upload(space)
    one.send(b"1" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    two.send(b"2" * QUANTUM, f"bytes 0-{QUANTUM - 1}/*")
    one.send(b"1", f"bytes {QUANTUM}-{QUANTUM}/{QUANTUM + 1}")
    assert set(space.blob().download_as_bytes()) == {ord("1")}
    two.send(b"2", f"bytes {QUANTUM}-{QUANTUM}/{QUANTUM + 1}")
    assert set(space.blob().download_as_bytes()) == {ord("2")}


def test_a_malformed_range_is_refused(space):
    assert Upload(space).send(b"abc", "bytes zero-two/3").status_code == 400
    assert space.fresh() is None
