"""Failure by input: a #name in the prompt picks what goes wrong."""

import pytest
import requests

from lib.emulator.upstream import scenarios

AT_CREATE = {
    "moderation-input": (400, "DataInspectionFailed"),
    "arrears": (400, "Arrearage"),
    "quota": (403, "AllocationQuota.FreeTierOnly"),
    "denied": (403, "Model.AccessDenied"),
    "unavailable": (503, "ModelUnavailable"),
}
AT_END = {
    "moderation": "DataInspectionFailed",
    "infringement": "IPInfringementSuspect",
    "internal": "InternalError",
    "timeout": "InternalError.Timeout",
    "rewrite": "RewriteFailed",
}


def test_the_tables_here_name_every_scenario():
    assert set(AT_CREATE) == set(scenarios.AT_CREATE)
    assert set(AT_END) == set(scenarios.AT_END)


@pytest.mark.parametrize("name", AT_CREATE)
def test_a_create_may_be_refused(emulated, a_body, name):  # errors
    answer = emulated.post(a_body(prompt=f"rain #{name} falls"))
    assert (answer.status_code, answer.json()["code"]) == AT_CREATE[name]
    assert len(emulated.app.tasks) == 0
    assert emulated.post(a_body()).status_code == 200


@pytest.mark.parametrize("name", AT_END)
def test_a_task_may_fail(emulated, name):  # errors
    output = emulated.finished(f"rain #{name}")["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", AT_END[name])
    assert output["message"]
    (task,) = emulated.app.tasks
    assert not task.paid


@pytest.mark.parametrize("prompt", ["rain #sunset", "C# moderation", "# stuck", "#429", "#429xx"])
def test_other_words_are_just_words(emulated, prompt):
    assert emulated.finished(prompt)["output"]["orig_prompt"] == prompt


def test_the_first_scenario_counts():
    assert scenarios.scenario("#sunset #stuck #timeout") == "stuck"


@pytest.mark.parametrize("times", [1, 3])
def test_refused_a_number_of_times(emulated, a_body, times):
    def knock(prompt):
        emulated.clock.advance(1)
        return emulated.post(a_body(prompt=prompt))

    said = [knock(f"rain #429x{times}") for _ in range(times + 1)]
    assert [answer.status_code for answer in said] == [429] * times + [200]
    assert said[0].json()["code"] == "Throttling"
    assert knock(f"snow #429x{times}").status_code == 429  # each prompt counts for itself
    assert knock(f"rain #429x{times}").status_code == 429  # and anew after it was taken


def test_an_answer_may_be_lost_after_the_task_was_taken(emulated, a_body):
    with pytest.raises(requests.ConnectionError):
        emulated.post(a_body(prompt="rain #lost-submit"))
    (task,) = emulated.app.tasks
    assert emulated.listed()["data"][0]["task_id"] == task.id
    emulated.clock.advance(100)
    assert emulated.status(task.id) == "SUCCEEDED"
    assert (emulated.app.counts["create"], emulated.app.counts["create_dropped"]) == (1, 1)


def test_an_answer_may_be_slow(emulated, a_body):
    before = emulated.clock.now()
    answer = emulated.post(a_body(prompt="rain #slow-submit"))
    assert answer.status_code == 200
    assert emulated.clock.now() - before == 30
    (task,) = emulated.app.tasks
    assert task.submitted_at == before


def test_a_stuck_task_fails_after_three_hours(emulated):  # errors
    task_id = emulated.create("rain #stuck", pause_s=0)
    emulated.clock.advance(10 + 3 * 3600 - 1)
    assert emulated.status(task_id) == "RUNNING"
    emulated.clock.advance(2)
    output = emulated.get(task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError.Timeout")


def test_a_task_may_be_unknown_to_queries(emulated):
    task_id = emulated.create("rain #unknown")
    assert emulated.status(task_id) == "UNKNOWN"
    emulated.clock.advance(100)
    assert emulated.status(task_id) == "UNKNOWN"
    assert emulated.listed()["data"][0]["status"] == "SUCCEEDED"


def goods(emulated, name):
    url = emulated.finished(f"rain #{name}")["output"]["video_url"]
    return emulated.web.get(url)


def test_films_may_be_wrong(emulated):
    whole = emulated.web.get(emulated.finished()["output"]["video_url"]).content
    torn = goods(emulated, "truncated-mp4")
    assert torn.content == whole[: len(whole) * 2 // 3]
    assert int(torn.headers["Content-Length"]) == len(torn.content)
    broken = goods(emulated, "corrupt-mp4").content
    assert len(broken) == len(whole)
    assert broken != whole
    assert b"stsd" not in broken
    page = goods(emulated, "wrong-type")
    assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")


def test_a_film_may_claim_too_many_bytes(emulated):
    with pytest.raises(requests.RequestException):
        goods(emulated, "wrong-length")
    (task,) = emulated.app.tasks
    url = emulated.get(task.id)["output"]["video_url"]
    with emulated.web.get(url, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) == len(emulated.app.tasks.film(task)) + 1000


def test_a_link_may_be_dead_from_the_start(emulated):
    answer = goods(emulated, "dead-link")
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
