"""The emulator's own calls and its page of what it decided and left out."""

import re
from pathlib import Path

import pytest

from lib.emulator import upstream

URL = "http://upstream.test/emulator"
SHEET = Path(upstream.__file__).parents[1] / "PROTOCOL.md"


def items(title):
    part = SHEET.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [" ".join(text.split()) for text in part.replace("`", "").split("\n- ")[1:]]


def test_the_page_lists_every_choice_and_everything_missing(emulated):
    emulated.create()
    answer = emulated.web.get(URL)
    assert answer.headers["Content-Type"].startswith("text/html")
    choices, missing = items("Where the documents are silent"), items("What is not implemented")
    assert len(choices) >= 25
    assert len(missing) >= 5
    for text in choices + missing:
        assert text.replace("'", "&#x27;") in answer.text, text
    for word in ("UNCONFIRMED", "#lost-submit", "moderation", "wan2.2-kf2v-flash<td>PENDING"):
        assert word in answer.text


def test_the_sheet_names_a_source_for_every_row():
    text = SHEET.read_text("utf-8")
    marks = text.partition("| mark | source |")[2].partition("\n\n")[0]
    known = set(re.findall(r"^\| (\w+) \|", marks, re.MULTILINE))
    assert len(known) == 11
    fields = text.partition("## Create")[2].partition("Frames:")[0]
    rows = [row.split("|")[-2].strip() for row in re.findall(r"^\| `.*\|$", fields, re.MULTILINE)]
    assert rows
    for source in rows:
        assert set(source.split(", ")) <= known, source


def test_the_clock(emulated):
    now = emulated.web.get(f"{URL}/clock").json()["now"]
    assert now == emulated.clock.now()
    assert emulated.web.post(f"{URL}/clock", json={"advance_s": 60}).json() == {"now": now + 60}
    assert emulated.clock.now() == now + 60


@pytest.mark.parametrize(
    "wrong",
    [{}, {"advance_s": -1}, {"advance_s": "x"}, {"advance_s": True}, [], {"advance_s": None}],
)
def test_a_clock_that_cannot_be_moved_so(emulated, wrong):
    before = emulated.clock.now()
    assert emulated.web.post(f"{URL}/clock", json=wrong).status_code == 400
    assert emulated.clock.now() == before


def test_faults_over_http(emulated):
    declared = {"operation": "get", "kind": "internal", "times": 2}
    answer = emulated.web.post(f"{URL}/faults", json=declared)
    assert answer.json()["faults"][0]["completed"] is False
    for _ in range(2):
        assert emulated.call("GET", "/tasks/x").status_code == 500
    assert emulated.web.get(f"{URL}/faults").json()["faults"][0]["completed"] is True
    assert emulated.web.delete(f"{URL}/faults").json() == {"faults": []}


def test_tasks_and_counts(emulated):
    task_id = emulated.create("rain #sunset", key="sk-second")
    emulated.clock.advance(100)
    (task,) = emulated.web.get(f"{URL}/tasks").json()["tasks"]
    assert (task["task_id"], task["status"], task["paid"]) == (task_id, "SUCCEEDED", True)
    assert (task["account"], task["region"], task["api_key_id"]) == (
        "singapore",
        "singapore",
        "40001",
    )
    emulated.get(task_id)
    emulated.listed()
    counts = emulated.web.get(f"{URL}/counts").json()
    assert counts == {"create": 1, "get": 1, "list": 1}


def test_settings_may_change_while_it_runs(emulated):
    settings = emulated.web.get(f"{URL}/settings").json()
    assert settings == {"overflow": "refuse", "bad_frame": "fail", "list_lag_s": 0.0}
    emulated.create()
    emulated.create()
    assert emulated.post_status() == 429
    emulated.clock.advance(1)
    emulated.web.post(f"{URL}/settings", json={"overflow": "queue", "list_lag_s": 50})
    assert emulated.post_status() == 200
    assert emulated.listed()["total"] == 0


@pytest.mark.parametrize(
    "wrong",
    [{"overflow": "x"}, {"bad_frame": 1}, {"list_lag_s": -1}, {"list_lag_s": "3"}, {"x": 1}],
    ids=str,
)
def test_settings_that_make_no_sense_change_nothing(emulated, wrong):
    before = emulated.web.get(f"{URL}/settings").json()
    answer = emulated.web.post(f"{URL}/settings", json={"overflow": "queue", **wrong})
    assert answer.status_code == 400
    assert emulated.web.get(f"{URL}/settings").json() == before


def test_reset(emulated, a_body):
    emulated.post(a_body(prompt="x #429x2"))
    task_id = emulated.create()
    emulated.app.faults.add(kind="drop")
    assert emulated.web.post(f"{URL}/reset").json() == {"reset": True}
    assert len(emulated.app.tasks) == 0
    assert emulated.app.faults.report() == []
    assert dict(emulated.app.counts) == {}
    assert emulated.status(task_id) == "UNKNOWN"
    assert emulated.post(a_body(prompt="x #429x2")).status_code == 429


def test_an_unknown_call_is_404_and_names_the_known_ones(emulated):
    answer = emulated.web.get(f"{URL}/nothing")
    assert answer.status_code == 404
    assert "POST /emulator/clock" in answer.json()["message"]


def test_a_crash_is_the_services_500_and_is_seen(emulated, capsys, monkeypatch):
    monkeypatch.setattr(emulated.app.tasks, "of", None)
    answer = emulated.call("GET", "/tasks")
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert "Traceback" in capsys.readouterr().err
