"""A data folder outlives its process, however that ended; a process starts and ends cleanly."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

COMMAND = [sys.executable, "-m", "lib.emulator", "storage", "--bucket", "home"]


class Process:
    """An emulator in a process of its own."""

    def __init__(self, *arguments):
        started = time.monotonic()
        self.process = subprocess.Popen(
            [*COMMAND, *(word for folder in arguments for word in ("--data", str(folder)))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.seconds = time.monotonic() - started
        name, _, self.url = line.strip().partition("=")
        assert name == "STORAGE_EMULATOR_HOST", line + self.process.stderr.read()
        self.client = storage.Client(
            project="p",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )
        self.bucket = self.client.bucket("home")

    def end(self, number=signal.SIGTERM):
        self.client.close()
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def process(request):
    running = []

    def start(*arguments):
        running.append(Process(*arguments))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_it_starts_and_ends_by_a_signal(process):
    one = process()
    assert requests.get(f"{one.url}/emulator", timeout=5).status_code == 200
    assert one.end(signal.SIGTERM) == 0
    two = process()
    assert two.end(signal.SIGINT) == 0


def test_everything_is_there_after_a_restart(process, tmp_path):
    one = process(tmp_path)
    blob = one.bucket.blob("a//b ü")
    blob.metadata = {"k": "ü"}
    blob.upload_from_string(b"content", content_type="video/mp4")
    blob.cache_control = "no-store"
    blob.patch()
    one.bucket.blob("gone").upload_from_string(b"x")
    one.bucket.blob("gone").delete()
    one.bucket.reload()
    one.bucket.labels = {"a": "b"}
    one.bucket.patch()
    assert one.end() == 0
    two = process(tmp_path)
    found = two.bucket.get_blob("a//b ü")
    assert found.download_as_bytes() == b"content"
    for field in [
        "generation",
        "metageneration",
        "metadata",
        "cache_control",
        "content_type",
        "etag",
        "crc32c",
    ]:
        assert getattr(found, field) == getattr(blob, field)
    assert (found.time_created, found.updated) == (blob.time_created, blob.updated)
    assert [one.name for one in two.bucket.list_blobs()] == ["a//b ü"]
    assert two.client.get_bucket("home").labels == {"a": "b"}
    assert two.bucket.blob("new").exists() is False


def test_generations_grow_over_a_restart(make_emulated, tmp_path):
    one = make_emulated(tmp_path)
    first = one.write().generation
    one.bucket.blob("object").delete()
    one.app.close()
    assert make_emulated(tmp_path).write().generation > first


@pytest.mark.slow
def test_a_kill_tears_no_object_and_loses_no_answer(process, tmp_path):
    """What was answered is there afterwards, whole; what was not is whole or absent."""
    for turn in range(4):
        one = process(tmp_path)
        answered, stop = {}, threading.Event()

        def write(thread, one=one, answered=answered, stop=stop, turn=turn):
            number = 0
            while not stop.is_set():
                number += 1
                data = os.urandom(50_000 + number % 7)
                blob = one.bucket.blob(f"{thread}/{number % 5}")
                blob.metadata = {"sha": hashlib.sha256(data).hexdigest()}
                try:
                    blob.upload_from_string(data, retry=None)
                except Exception:  # noqa: BLE001 - the process was killed under the call
                    return
                answered[blob.name] = blob.generation

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while len(answered) < 8 + turn and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(turn * 0.02)
        os.kill(one.process.pid, signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join()
        one.end(signal.SIGKILL)
        assert len(answered) > 5
        two = process(tmp_path)
        found = {blob.name: blob for blob in two.bucket.list_blobs()}
        for name, generation in answered.items():
            assert found[name].generation >= generation
        for blob in found.values():
            data = blob.download_as_bytes()
            assert hashlib.sha256(data).hexdigest() == blob.metadata["sha"]
        files = {path.name for path in (tmp_path / "contents").iterdir()}
        assert len(files) == len(found)
        two.end()


def test_a_folder_belongs_to_one_process(process, tmp_path):
    process(tmp_path)
    second = subprocess.run(
        [*COMMAND, "--data", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert "in use by another emulator" in second.stderr


def test_nothing_is_written_outside_the_folder_and_little_remains_in_it(make_emulated, tmp_path):
    one = make_emulated(tmp_path / "data")
    for number in range(10):
        one.write("same", bytes([number]) * 1000)
    one.write("other").delete()
    with pytest.raises(Exception, match="412"):
        one.bucket.blob("same").upload_from_string(b"refused", if_generation_match=0)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(list((tmp_path / "data" / "contents").iterdir())) == 1


def test_the_recipe_of_the_command_line(tmp_path, key_pair, monkeypatch):
    """What other projects copy: one command, one environment variable, the real client."""
    public = tmp_path / "public.pem"
    public.write_text(key_pair[1], "utf-8")
    email = "tests@local.iam.gserviceaccount.com"
    words = ["-m", "lib.emulator", "storage", "--port", "0", "--signer", f"{email}={public}"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as server:
        try:
            name, _, url = server.stdout.readline().strip().partition("=")
            assert name == "STORAGE_EMULATOR_HOST"
            monkeypatch.setenv(name, url)
            client = storage.Client(project="tests")
            blob = client.create_bucket("my-bucket").blob("hello.txt")
            blob.upload_from_string("hello", if_generation_match=0)
            info = {
                "client_email": email,
                "private_key": key_pair[0],
                "token_uri": "https://unused",
            }
            signer = service_account.Credentials.from_service_account_info(info)
            link = blob.generate_signed_url(version="v4", expiration=60, credentials=signer)
            assert requests.get(link, timeout=5).text == "hello"
            assert requests.get(link.replace("hello", "other"), timeout=5).status_code == 403
            client.close()
        finally:
            server.terminate()
    assert server.returncode == 0


def test_a_folder_can_be_the_seed(make_emulated, tmp_path):
    for name in ("bucket-one/a/b.txt", "bucket-two/c.bin"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    one = make_emulated()
    assert one.app.seed(tmp_path) == 2
    blob = one.client.bucket("bucket-one").blob("a/b.txt")
    assert blob.download_as_bytes() == b"bucket-one/a/b.txt"
