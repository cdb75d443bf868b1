"""The command line follows a paid job through a service that is away for a moment."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lib.cli import job as jobs
from lib.cli.screen import Screen

RUNNING = b'{"id": "vid_1", "status": "in_progress", "stage": "running", "progress": 10}'
DONE = b'{"id": "vid_1", "status": "completed", "stage": "done", "progress": 100}'
JOB = {"id": "vid_1", "status": "queued", "stage": "queued", "progress": 0}


@pytest.fixture
def service():
    """A service that answers as its `answers` say: (status, body), or None for a cut."""
    answers = deque()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers.popleft() if answers else (200, DONE)
            if answer is None:
                self.close_connection = True
                return
            status, body = answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = jobs.ServiceAddress(f"http://127.0.0.1:{server.server_port}")
        yield made, answers
        server.shutdown()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(jobs, "ASK_EVERY_S", 0.0)


@pytest.mark.parametrize(
    "trouble",
    [
        None,
        (500, b'{"detail": "something broke"}'),
        (503, b'{"detail": "in a moment"}'),
        (429, b'{"detail": "slower"}'),
        (502, b"<html>Bad Gateway</html>"),
    ],
    ids=["cut", "500", "503", "429", "a proxy's 502"],
)
def test_trouble_of_a_moment_does_not_end_it(service, trouble):
    made, answers = service
    answers.extend([(200, RUNNING), trouble, trouble, (200, RUNNING)])
    assert jobs.follow(made, JOB, Screen({}))["status"] == "completed"
    assert not answers


def test_what_will_not_change_ends_it_at_once(service):
    made, answers = service
    answers.extend([(404, b'{"detail": "No such video."}'), (200, DONE)])
    with pytest.raises(jobs.JobRefused, match=r"HTTP 404: No such video\."):
        jobs.follow(made, JOB, Screen({}))
    assert len(answers) == 1


def test_its_patience_has_an_end(service, monkeypatch):
    made, answers = service
    monkeypatch.setattr(jobs, "PATIENCE_S", 0.0)
    answers.append((503, b'{"detail": "in a moment"}'))
    with pytest.raises(jobs.NotNow, match="HTTP 503: in a moment"):
        jobs.follow(made, JOB, Screen({}))
