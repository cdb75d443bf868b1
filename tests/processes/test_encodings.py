"""Bytes that no library would send, to every route over sockets; the long form is `python -m tests.web.fuzz`."""

import os

import pytest
import requests

from lib.cli import service as services
from lib.cli.processes import Processes
from tests.web import encodings
from tests.web.fuzz import KEY, KEYS

CASES = 800


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    with Processes(logs, os.environ) as processes:
        yield services.start(processes, owner_keys=KEYS, draft=True), logs


@pytest.mark.parametrize("seed", [1, 2])
def test_no_bytes_break_the_service_and_every_answer_is_stated(running, seed):
    service, logs = running
    contract = requests.get(f"{service.url}/openapi.json", timeout=encodings.PATIENCE_S).json()
    report = encodings.run(service, contract, KEY, CASES, seed)
    assert report.wrong == []
    assert report.sent == CASES
    # Bad and good ones got through to our own code.
    assert {200, 400, 401, 404, 405, 415} <= set(report.statuses)
    for name in ("api", "poll"):
        log = (logs / f"{name}.log").read_text("utf-8", "replace")
        assert "crashed" not in log
        assert "Traceback" not in log


def test_a_body_whose_chunks_are_none_is_refused_in_words(running):
    service, _ = running
    head = f"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for size in encodings.CHUNK_SIZES:
        status, _ = encodings.answered(service.ports.api, f"{head}{size}\r\n{{}}".encode())
        assert status in {400, 413}, size
