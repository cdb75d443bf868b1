"""Lines as Cloud Logging and Error Reporting read them, and no secret in any of them."""

import inspect
import json
import logging
import re
from datetime import datetime
from pathlib import Path

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
    logs._style[0] = logs._Style()


def printed(capsys):
    seen = capsys.readouterr()
    return seen.out + seen.err


def line(capsys):
    return json.loads(capsys.readouterr().out)


TRACE = "105445aa7843bc8bf206b12000100000"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_an_event_is_one_json_line_with_the_keys_of_cloud_logging(capsys):
    with logs.request("r-1", {"X-Cloud-Trace-Context": f"{TRACE}/1;o=1"}):
        logs.event("job.created", job="vid_1")
    found = line(capsys)
    assert found["severity"] == "INFO"
    assert found["event"] == found["message"] == "job.created"
    assert found["job"] == "vid_1"
    assert found["request_id"] == "r-1"
    assert found["logging.googleapis.com/trace"] == TRACE
    assert found["logging.googleapis.com/spanId"] == "0000000000000001"
    assert found["logging.googleapis.com/trace_sampled"] is True
    assert found["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("headers", "trace", "span", "sampled"),
    [
        ({"traceparent": PARENT}, TRACE, "00f067aa0ba902b7", True),
        ({"traceparent": PARENT[:-1] + "0"}, TRACE, "00f067aa0ba902b7", False),
        (
            {"traceparent": PARENT, "X-Cloud-Trace-Context": "f" * 32},
            TRACE,
            "00f067aa0ba902b7",
            True,
        ),
        (
            {"traceparent": "cc" + PARENT[2:] + "-what-a-later-version-adds"},
            TRACE,
            "00f067aa0ba902b7",
            True,
        ),
        ({"X-Cloud-Trace-Context": TRACE.upper()}, TRACE, None, False),
        ({"X-Cloud-Trace-Context": f"{TRACE}/18446744073709551615;o=0"}, TRACE, "f" * 16, False),
        ({"traceparent": "ff" + PARENT[2:]}, None, None, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None, None, None),
        ({"traceparent": PARENT.replace("-", "_")}, None, None, None),
        ({"traceparent": PARENT + "\n{}"}, None, None, None),
        ({"X-Cloud-Trace-Context": "a/b;o=1"}, None, None, None),
        ({"X-Cloud-Trace-Context": f'{TRACE}","severity":"ALERT'}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_a_trace_is_read_from_either_header_and_nothing_else_is(
    capsys, headers, trace, span, sampled
):
    """W3C Trace Context, 3.2; Cloud Trace, "Cloud Run: trace context"."""
    logs._style[0] = logs._Style(project="film-project")
    try:
        with logs.request("r-1", headers):
            logs.event("job.created")
    finally:
        logs._style[0] = logs._Style()
    found = line(capsys)
    wanted = f"projects/film-project/traces/{trace}" if trace else None
    assert found.get("logging.googleapis.com/trace") == wanted
    assert found.get("logging.googleapis.com/spanId") == span
    assert found.get("logging.googleapis.com/trace_sampled") == sampled


def test_a_line_knows_its_owner_by_a_hash_and_its_job_by_its_id(capsys):
    job = "vid_e5df76c21d2b80eeb8e5bcc0c2b"
    with logs.request("r-1", {}):
        logs.bind(owner="alice@example.com")
        logs.bind(job=job)
        logs.event("request.refused")
    text = capsys.readouterr().out
    assert "alice" not in text
    found = json.loads(text)
    assert (found["owner"], found["job"]) == (logs.owner_hash("alice@example.com"), job)
    assert logs.owner_hash("alice@example.com") != logs.owner_hash("bob@example.com")


@pytest.mark.parametrize("job", ["sk-abcdef123", "vid_", "x" * 5000, "vid_" + "A" * 27, ""])
def test_what_is_no_id_is_not_logged_as_one(capsys, job):
    with logs.request("r-1", {}):
        logs.bind(job=job)
        logs.event("request.refused")
    assert "job" not in line(capsys)


@pytest.mark.parametrize(
    ("status", "name", "severity"),
    [(401, "request.refused", "INFO"), (429, "request.refused", "INFO"), (503, "request.failed", "WARNING")],
)  # fmt: skip
def test_an_error_answer_leaves_a_line_that_its_request_id_finds(capsys, status, name, severity):
    with logs.request("r-9", {}):
        logs.refused("some_code", status)
    found = line(capsys)
    assert (found["event"], found["severity"]) == (name, severity)
    assert (found["code"], found["status"], found["request_id"]) == ("some_code", status, "r-9")


def test_a_field_cannot_pose_as_the_line_itself(capsys):
    logs.event("job.created", severity="DEBUG", event="other", message="other", time="never")
    found = line(capsys)
    assert (found["severity"], found["event"], found["message"]) == (
        "INFO",
        "job.created",
        "job.created",
    )
    assert found["time"] != "never"


def test_no_text_breaks_a_line(form, capsys):
    logs.event("submit.waits", reason='a"b\nERROR forged\r{}\u2028')
    text = printed(capsys)
    assert text.count("\n") == 1
    assert text.endswith("\n")


def test_every_event_of_the_code_stands_in_the_list():
    root = Path(logs.__file__).parent
    used = {
        name
        for file in root.rglob("*.py")
        for name in re.findall(r"logs\.(?:event|crash)\(\s*\"([^\"]+)\"", file.read_text())
    }
    assert len(used) > 20
    assert used <= logs.EVENTS
    assert logs.WARNINGS <= logs.EVENTS
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in logs.EVENTS)


def test_the_next_request_does_not_inherit_the_last_one(capsys):
    with logs.request("r-1", {}):
        logs.bind(owner="alice")
    logs.bind(owner="nobody", job="vid_e5df76c21d2b80eeb8e5bcc0c2b")
    logs.event("job.created")
    assert not {"request_id", "owner", "job"} & set(line(capsys))


def test_an_unlisted_event_is_refused():
    with pytest.raises(ValueError, match=r"logs\.EVENTS"):
        logs.event("job.vanished")
    with pytest.raises(ValueError, match=r"logs\.EVENTS"):
        logs.crash("tick.vanished")


def test_a_crash_is_what_error_reporting_looks_for(capsys):
    logs._style[0] = logs._Style(service="inbetween-poll", revision="inbetween-poll-00007-abc")
    try:
        {}["the floor is wet"]
    except KeyError:
        logs.crash("tick.crashed")
    finally:
        logs._style[0] = logs._Style()
    found = line(capsys)
    assert found["severity"] == "ERROR"
    assert found["@type"].endswith("devtools.clouderrorreporting.v1beta1.ReportedErrorEvent")
    assert found["serviceContext"] == {
        "service": "inbetween-poll",
        "version": "inbetween-poll-00007-abc",
    }
    assert found["stack_trace"].startswith("Traceback (most recent call last):\n  File ")
    assert found["stack_trace"].endswith("KeyError: [struck out]\n")


def crashed(call, capsys):
    try:
        call()
    except Exception:  # noqa: BLE001 - whatever it is, it is printed
        logs.crash("tick.crashed")
    return line(capsys)["stack_trace"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: int("a sad monster"),
        lambda: {}["a sad monster"],
        lambda: json.loads('{"prompt": "a sad monster}'),
        lambda: [].index("a sad monster"),
        lambda: datetime.fromisoformat("a sad monster"),
    ],
)
def test_a_crash_does_not_quote_what_a_caller_wrote(capsys, call):
    assert (
        "sad monster"
        not in crashed(call, capsys).replace(inspect.getsource(call).strip(), "").split("\n")[-2]
    )


def test_a_crash_keeps_the_names_that_lead_to_its_cause(capsys):
    assert crashed(lambda: {}["tariff"], capsys).endswith("KeyError: 'tariff'\n")
    assert "has no attribute 'metadata'" in crashed(lambda: None.metadata, capsys)


def test_a_crash_within_a_crash_shows_both(capsys):
    def both():
        try:
            int("a sad monster")
        except ValueError as error:
            raise RuntimeError("the answer has no 'id'") from error

    text = crashed(both, capsys)
    assert "ValueError: invalid literal for int() with base 10: [struck out]" in text
    assert "RuntimeError: the answer has no 'id'" in text


def test_a_reason_is_a_code_and_not_what_somebody_elses_service_wrote(capsys):
    logs.event("tick.get_failed", reason="InternalError: your prompt 'a sad monster' is odd")
    assert line(capsys)["reason"] == "InternalError"


def test_no_owner_is_named(capsys):
    logs.event(
        "tick.job_waits", text="412 on pending/alice/vid_1.json, Held(owner='alice', id='x')"
    )
    text = capsys.readouterr().out
    assert "alice" not in text
    assert "pending/[struck out]/vid_1.json" in text


@pytest.mark.parametrize(
    ("secret", "fields"),
    [
        ("hush", {"prompt": "hush"}),
        ("hush", {"Authorization": "hush"}),
        ("hush", {"inner": {"api_key": "hush"}}),
        ("hush", {"rows": [{"token": "hush"}]}),
        (SIGNATURE, {"reason": f"failed at {LINK} twice"}),
        (SIGNATURE, {"text": f"url: /b/x.mp4?X-Goog-Signature={SIGNATURE} (timeout)"}),
        ("hush", {"reason": "https://oss.example/a?Expires=1&Signature=hush"}),
        ("k-123456", {"text": "Authorization: Bearer k-123456"}),
        ("sk-abcdef123", {"reason": "key sk-abcdef123 is invalid"}),
        ("8f2c1d", {"reason": "token ib_0123456789abcdef_8f2c1d-AbCdEfGh_ was refused"}),
        ("sig123", {"reason": "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.sig123-_"}),
        ("c2VjcmV0", {"reason": "secret whsec_c2VjcmV0c2VjcmV0 is wrong"}),
        (SIGNATURE, {"reason": f"body was X-Goog-Signature={SIGNATURE}&x=1"}),
        (SIGNATURE, {"rows": [{"deep": (f"Bearer {SIGNATURE}",)}]}),
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
