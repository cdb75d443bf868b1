"""Lines as Cloud Logging and Error Reporting read them, and no secret in any of them."""

import json
import logging

import pytest
import requests

from lib import logs

SIGNATURE = "3063c3ab964b76e0eea7"
LINK = (
    f"https://storage.googleapis.com/b/videos/x.mp4?X-Goog-Expires=9&X-Goog-Signature={SIGNATURE}"
)


@pytest.fixture(params=[True, False], ids=["json", "text"])
def form(request):
    logs.setup(json_lines=request.param)
    yield request.param
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, logs._Libraries)]:
        root.removeHandler(handler)
    logs._style["json"] = True


def printed(capsys):
    seen = capsys.readouterr()
    return seen.out + seen.err


def line(capsys):
    return json.loads(capsys.readouterr().out)


def test_an_event_is_one_json_line_with_the_keys_of_cloud_logging(capsys):
    with logs.request("r-1", "105445aa7843bc8bf206b12000100000/1;o=1"):
        logs.event("job.created", job="vid_1")
    found = line(capsys)
    assert found["severity"] == "INFO"
    assert found["event"] == found["message"] == "job.created"
    assert found["job"] == "vid_1"
    assert found["request_id"] == "r-1"
    assert found["logging.googleapis.com/trace"] == "105445aa7843bc8bf206b12000100000"
    assert found["time"].endswith("+00:00")


def test_the_next_request_does_not_inherit_the_last_one(capsys):
    with logs.request("r-1", None):
        pass
    logs.event("job.created")
    assert "request_id" not in line(capsys)


def test_an_unlisted_event_is_refused():
    with pytest.raises(ValueError, match=r"logs\.EVENTS"):
        logs.event("job.vanished")


def test_a_crash_is_what_error_reporting_looks_for(capsys):
    try:
        {}["the floor is wet"]
    except KeyError:
        logs.crash("tick.crashed")
    found = line(capsys)
    assert found["severity"] == "ERROR"
    assert found["stack_trace"].startswith("Traceback")
    assert "the floor is wet" in found["stack_trace"]


@pytest.mark.parametrize(
    ("secret", "fields"),
    [
        ("hush", {"prompt": "hush"}),
        ("hush", {"Authorization": "hush"}),
        ("hush", {"inner": {"api_key": "hush"}}),
        ("hush", {"rows": [{"token": "hush"}]}),
        (SIGNATURE, {"reason": f"failed at {LINK} twice"}),
        (SIGNATURE, {"reason": f"url: /b/x.mp4?X-Goog-Signature={SIGNATURE} (timeout)"}),
        ("hush", {"reason": "https://oss.example/a?Expires=1&Signature=hush"}),
        ("k-123456", {"reason": "Authorization: Bearer k-123456"}),
        ("sk-abcdef123", {"reason": "key sk-abcdef123 is invalid"}),
        ("iVBORw0KG", {"reason": "data:image/png;base64,iVBORw0KGgo="}),
        (SIGNATURE, {"error": ConnectionError(LINK)}),
    ],
)
def test_no_secret_is_printed(form, capsys, secret, fields):
    logs.event("submit.unsure", job="vid_1", **fields)
    text = printed(capsys)
    assert "vid_1" in text
    assert "[struck out]" in text
    assert secret not in text


def test_a_real_http_error_does_not_print_its_link(form, capsys):
    session = requests.Session()
    session.trust_env = False
    try:
        session.get(f"http://127.0.0.1:9/b/x.mp4?X-Goog-Signature={SIGNATURE}", timeout=1)
    except requests.ConnectionError as error:
        logs.crash("tick.crashed", reason=error)
        quoted = str(error)
    session.close()
    text = printed(capsys)
    assert SIGNATURE in quoted
    assert "Traceback" in text
    assert SIGNATURE not in text


def test_what_is_no_secret_stays_as_it_is(capsys):
    logs.event("tick.done", lists=1, seconds=0.5, bytes=None, reason="https://a.example/v1/videos")
    found = line(capsys)
    assert (found["lists"], found["seconds"], found["bytes"]) == (1, 0.5, None)
    assert found["reason"] == "https://a.example/v1/videos"


def test_warnings_of_libraries_come_in_our_form_once(form, capsys):
    logs.setup(json_lines=form)
    logging.getLogger("urllib3").warning("retrying %s", LINK)
    text = printed(capsys)
    assert text.count("retrying") == 1
    assert SIGNATURE not in text
    if form:
        assert json.loads(text)["severity"] == "WARNING"
