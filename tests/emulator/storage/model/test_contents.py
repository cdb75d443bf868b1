"""The bytes of objects: whole or not served, read to their end whatever happens to their object."""

import threading

import pytest
import requests


def test_a_content_that_is_not_whole_is_not_served(make_emulated, tmp_path):
    one = make_emulated(tmp_path)
    one.write("torn", b"x" * 100)
    one.write("whole", b"y" * 100)
    one.app.close()
    torn = next(f for f in (tmp_path / "contents").iterdir() if f.read_bytes()[:1] == b"x")
    torn.write_bytes(b"x" * 50)
    two = make_emulated(tmp_path)
    assert two.names() == ["whole"]
    assert two.bucket.blob("whole").download_as_bytes() == b"y" * 100


def test_a_download_survives_the_overwrite_of_its_object(make_emulated, tmp_path):
    one = make_emulated(tmp_path)
    one.write("film", b"old" * 500_000)
    answer = one.call("GET", "/storage/v1/b/home/o/film?alt=media", stream=True)
    one.write("film", b"new")
    assert answer.content == b"old" * 500_000


def test_readers_and_writers_of_one_object_do_not_meet_a_missing_file(make_emulated, tmp_path):
    one = make_emulated(tmp_path)
    one.write("film", b"0" * 1000)
    stop, failures = threading.Event(), []

    def read():
        while not stop.is_set():
            answer = one.call("GET", "/storage/v1/b/home/o/film?alt=media")
            if answer.status_code != 200 or len(set(answer.content)) != 1:
                failures.append(answer.text)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(150):
        one.write("film", bytes([48 + number % 10]) * 1000)
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_an_answer_that_is_thrown_away_closes_its_file(make_emulated, tmp_path):
    one = make_emulated(tmp_path)
    one.write("film", b"x" * 1000)
    one.app.faults.add(method="GET", object="film", drop="after")
    with pytest.raises(requests.ConnectionError):
        one.call("GET", "/storage/v1/b/home/o/film?alt=media")
    assert one.call("HEAD", "/storage/v1/b/home/o/film?alt=media").status_code == 200
