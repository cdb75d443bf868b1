"""The emulated upstream as an app: unknown paths, packed answers, crashes."""

import gzip

import pytest

CREATE = "/services/aigc/image2video/video-synthesis"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/tasks/x/y"),
        ("DELETE", "/tasks/x"),
        ("GET", "/tasks/x/cancel"),
        ("GET", CREATE),
        ("POST", "/uploads"),
        ("PUT", "/tasks"),
    ],
)
def test_an_unknown_path_or_method_is_404(emulated, method, path):  # silent
    answer = emulated.call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


@pytest.mark.parametrize("path", ["/", "/singapore", "/mars/api/v1/tasks", "/api/v2/tasks"])
def test_outside_of_the_api_is_404(emulated, path):
    answer = emulated.web.get(f"http://upstream.test{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


def test_answers_are_zipped_for_whoever_takes_it(emulated):  # exchanges: gzip, chunked
    plain = emulated.call("GET", "/tasks", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    answer = emulated.call("GET", "/tasks", headers={"Accept-Encoding": "gzip"}, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Length" not in answer.headers
    assert b'"total": 0' in gzip.decompress(answer.raw.read(decode_content=False))


def test_a_crash_is_the_services_500_and_is_seen(emulated, capsys, monkeypatch):
    monkeypatch.setattr(emulated.app.tasks, "of", None)
    answer = emulated.call("GET", "/tasks")
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert "Traceback" in capsys.readouterr().err
