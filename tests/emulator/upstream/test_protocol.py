"""The emulated upstream by the public documents of Model Studio; each test names the rule's source."""

import io
import json
from typing import ClassVar

import pytest
import requests
from PIL import Image

from lib.emulator.body import Dropped
from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.upstream import Timing, UpstreamApp

BASE = "http://upstream.test"
PATH = "/services/aigc/image2video/video-synthesis"
KEYS = {"singapore": ["sk-s", "sk-s2"], "beijing": ["sk-b"]}


def picture(mode="RGB", size=(320, 320), kind="PNG"):
    file = io.BytesIO()
    Image.new(mode, size, (9, 9, 9, 99)[: len(mode)]).save(file, kind)
    return file.getvalue()


class Pictures:
    """A host that serves pictures."""

    files: ClassVar = {
        "/ok.png": picture(),
        "/alpha.png": picture("RGBA"),
        "/small.png": picture(size=(239, 300)),
        "/text.png": b"hello",
        "/gif.png": picture("L", kind="GIF"),
    }

    def __call__(self, environ, start_response):
        body = self.files.get(environ["PATH_INFO"])
        start_response(
            "200 OK" if body else "404 Not Found", [("Content-Length", str(len(body or b"")))]
        )
        return [body or b""]


class Emulated:
    def __init__(self, **options):
        self.clock = Clock(start=1_780_000_000.0)
        web = requests.Session()
        web.mount("http://pictures.test", InProcess(Pictures()))
        options = {"timing": Timing.virtual(lambda: (2.0, 60.0)), **options}
        self.app = UpstreamApp(
            self.clock,
            base_url=BASE,
            render=lambda _: b"film" * 9000,
            fetch=web,
            keys=KEYS,
            **options,
        )
        self.http = requests.Session()
        self.http.mount(BASE, InProcess(self.app))

    def call(self, method, path, *, region="singapore", key="sk-s", headers=None, **more):
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{BASE}/{region}/api/v1{path}"
        return self.http.request(method, url, headers={**sent, **(headers or {})}, **more)

    def create(self, *, region="singapore", key="sk-s", headers=None, path=PATH, **changes):
        body = {
            "model": "wan2.2-kf2v-flash",
            "input": {
                "first_frame_url": "http://pictures.test/ok.png",
                "last_frame_url": "http://pictures.test/ok.png",
                "prompt": "rain",
            },
            "parameters": {},
        }
        for name, value in changes.items():
            section, _, field = name.partition("__")
            target = body[section] if field else body
            target[field or section] = value
            if value is None:
                target.pop(field or section)
        sent = {"X-DashScope-Async": "enable", **(headers or {})}
        return self.call("POST", path, region=region, key=key, headers=sent, json=body)

    def task(self, **changes):
        return self.create(**changes).json()["output"]["task_id"]

    def get(self, task_id, **options):
        return self.call("GET", f"/tasks/{task_id}", **options).json()


@pytest.fixture
def emulated():
    return Emulated()


def test_a_task_passes_through_its_states_with_documented_fields_and_times(emulated):
    answer = emulated.create(input__prompt="雨" * 900)
    assert answer.status_code == 200
    assert answer.json()["output"]["task_status"] == "PENDING"
    task = answer.json()["output"]["task_id"]
    pending = emulated.get(task)["output"]
    assert pending == {
        "task_id": task,
        "task_status": "PENDING",
        "submit_time": "2026-05-29 04:26:40.000",  # UTC+8
    }
    emulated.clock.advance(3)
    assert emulated.get(task)["output"]["task_status"] == "RUNNING"
    emulated.clock.advance(60)
    done = emulated.get(task)
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert done["output"]["orig_prompt"] == "雨" * 800
    assert done["usage"] == {"video_duration": 5, "video_count": 1, "SR": 720}
    film = emulated.http.get(done["output"]["video_url"])
    assert (film.status_code, film.headers["Content-Type"]) == (200, "video/mp4")


def test_the_older_model_reports_another_usage(emulated):
    task = emulated.task(model="wan2.1-kf2v-plus")
    emulated.clock.advance(100)
    assert emulated.get(task)["usage"] == {
        "video_count": 1,
        "video_duration": 5,
        "video_ratio": "standard",
    }


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": ""}, 401, "InvalidApiKey"),
        ({"key": "sk-wrong"}, 401, "InvalidApiKey"),
        ({"key": "sk-b"}, 401, "InvalidApiKey"),
        ({"headers": {"X-DashScope-Async": "no"}}, 403, "AccessDenied"),
        ({"path": "/services/aigc/video-generation/video-synthesis"}, 400, "InvalidParameter"),
        ({"model": None}, 400, "BadRequest.EmptyModel"),
        ({"model": "wanx2.1-kf2v-plus"}, 404, "ModelNotFound"),
        ({"model": "wan2.6-t2v"}, 400, "InvalidParameter"),
        ({"input": None}, 400, "BadRequest.EmptyInput"),
        ({"input__first_frame_url": None}, 400, "InvalidParameter"),
        ({"input__last_frame_url": None}, 400, "InvalidParameter"),
        ({"input__template": "no-such"}, 400, "InvalidParameter"),
        ({"parameters__resolution": "720p"}, 400, "InvalidParameter"),
        ({"model": "wan2.1-kf2v-plus", "parameters__resolution": "480P"}, 400, "InvalidParameter"),
        ({"parameters__duration": 6}, 400, "InvalidParameter"),
        ({"parameters__seed": 2**31}, 400, "InvalidParameter"),
        ({"parameters__watermark": "yes"}, 400, "InvalidParameter"),
        ({"input__first_frame_url": "oss://a/b"}, 400, "InvalidParameter.DataInspection"),
        ({"input__prompt": "x #arrears"}, 400, "Arrearage"),
        ({"input__prompt": "x #moderation-input"}, 400, "DataInspectionFailed"),
    ],
)
def test_what_the_service_refuses_at_once(emulated, changes, status, code):
    answer = emulated.create(**changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert len(emulated.app.tasks) == 0


def test_unknown_keys_and_both_path_spellings_are_tolerated(emulated):
    assert emulated.create(path=PATH + "/", parameters__with_audio=False, input__function="x").ok


@pytest.mark.parametrize("name", ["alpha.png", "small.png", "text.png", "gif.png", "gone.png"])
def test_a_bad_frame_ends_the_task_as_failed_inside_a_200(emulated, name):
    task = emulated.task(input__last_frame_url=f"http://pictures.test/{name}")
    emulated.clock.advance(100)
    output = emulated.get(task)["output"]
    assert output["task_status"] == "FAILED"
    assert output["code"].startswith(("InvalidParameter", "InvalidFile"))
    assert "video_url" not in output


def test_a_template_needs_no_last_frame(emulated):
    assert emulated.create(input__last_frame_url=None, input__template="solaron").ok


def test_unknown_foreign_and_old_tasks_are_unknown(emulated):
    task = emulated.task()
    assert emulated.get("no-such")["output"] == {"task_id": "no-such", "task_status": "UNKNOWN"}
    assert emulated.get(task, region="beijing", key="sk-b")["output"]["task_status"] == "UNKNOWN"
    assert emulated.get(task, key="sk-s2")["output"]["task_status"] == "PENDING"  # same account
    emulated.clock.advance(24 * 3600 + 1)
    assert emulated.get(task)["output"]["task_status"] == "UNKNOWN"


def test_a_result_link_dies_after_24_hours_and_cannot_be_forged(emulated):
    task = emulated.task()
    emulated.clock.advance(100)
    link = emulated.get(task)["output"]["video_url"]
    assert emulated.http.get(link, headers={"Range": "bytes=4-7"}).status_code == 206
    assert emulated.http.get(link.replace("Expires=1", "Expires=2")).status_code == 403
    emulated.clock.advance(24 * 3600)
    assert emulated.http.get(link).status_code == 403


def test_two_creates_a_second_and_twenty_queries(emulated):
    answers = [emulated.create().status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert {emulated.call("GET", "/tasks/x").status_code for _ in range(20)} == {200}
    assert emulated.call("GET", "/tasks/x").json()["code"] == "Throttling.RateQuota"
    emulated.clock.advance(1.1)
    assert emulated.call("GET", "/tasks/x").status_code == 200


@pytest.mark.parametrize("overflow", ["refuse", "queue"])
def test_a_third_task_at_once(overflow):
    emulated = Emulated(overflow=overflow)
    for _ in range(2):
        emulated.create()
        emulated.clock.advance(1)
    third = emulated.create()
    if overflow == "refuse":
        assert third.json()["code"] == "Throttling"
        return
    task = third.json()["output"]["task_id"]
    emulated.clock.advance(30)
    assert emulated.get(task)["output"]["task_status"] == "PENDING"
    emulated.clock.advance(40)
    assert emulated.get(task)["output"]["task_status"] == "RUNNING"


def test_only_a_pending_task_can_be_cancelled(emulated):
    task = emulated.task()
    assert emulated.call("POST", f"/tasks/{task}/cancel").status_code == 200
    assert emulated.get(task)["output"]["task_status"] == "CANCELED"
    other = emulated.task()
    emulated.clock.advance(10)
    refused = emulated.call("POST", f"/tasks/{other}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")


def test_the_list_has_epoch_milliseconds_pages_and_filters(emulated):
    tasks = []
    for _ in range(2):
        tasks.append(emulated.task())
        emulated.clock.advance(61)
    page = emulated.call("GET", "/tasks?page_no=1&page_size=1").json()
    assert (page["total"], page["total_page"], len(page["data"])) == (2, 2, 1)
    row = page["data"][0]
    assert row["task_id"] == tasks[1]
    assert row["gmt_create"] == 1_780_000_061_000
    assert row["model_name"] == "wan2.2-kf2v-flash"
    assert "end_time" not in row
    done = emulated.call("GET", "/tasks/?status=SUCCEEDED").json()["data"]
    assert [row["task_id"] for row in done] == [tasks[0]]
    assert emulated.call("GET", "/tasks", region="beijing", key="sk-b").json()["total"] == 0


def upload(emulated, policy, **changes):
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": policy["upload_dir"] + "/a.png",
        "x-oss-object-acl": "private",
        "x-oss-forbid-overwrite": "true",
        "success_action_status": "200",
        **changes,
    }
    return emulated.http.post(
        policy["upload_host"], data=fields, files={"file": ("a.png", picture())}
    )


def test_a_temporary_upload_lives_48_hours_for_its_model_and_account(emulated):
    def policy():
        path = "/uploads?action=getPolicy&model=wan2.2-kf2v-flash"
        return emulated.call("GET", path).json()["data"]

    mine = policy()
    assert upload(emulated, mine).status_code == 200
    name = f"oss://{mine['upload_dir']}/a.png"
    resolve = {"X-DashScope-OssResourceResolve": "enable"}
    good = emulated.task(input__first_frame_url=name, headers=resolve)
    emulated.clock.advance(100)
    assert emulated.get(good)["output"]["task_status"] == "SUCCEEDED"
    other = emulated.task(model="wan2.1-kf2v-plus", input__first_frame_url=name, headers=resolve)
    emulated.clock.advance(100)
    assert emulated.get(other)["output"]["task_status"] == "FAILED"
    late = policy()
    emulated.clock.advance(301)
    assert "AccessDenied" in upload(emulated, late).text
    forged = {**policy(), "signature": "AAAA"}
    assert upload(emulated, forged).status_code == 403


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("moderation", "DataInspectionFailed"),
        ("timeout", "InternalError.Timeout"),
        ("internal", "InternalError"),
    ],
)
def test_failures_by_prompt(emulated, scenario, code):
    task = emulated.task(input__prompt=f"rain #{scenario}")
    emulated.clock.advance(100)
    assert emulated.get(task)["output"]["code"] == code


def test_a_stuck_task_fails_after_three_hours(emulated):
    task = emulated.task(input__prompt="rain #stuck")
    emulated.clock.advance(3 * 3600 - 60)
    assert emulated.get(task)["output"]["task_status"] == "RUNNING"
    emulated.clock.advance(120)
    assert emulated.get(task)["output"]["code"] == "InternalError.Timeout"


def test_a_lost_submit_is_accepted_and_answered_with_a_cut(emulated):
    with pytest.raises(requests.ConnectionError):
        emulated.create(input__prompt="rain #lost-submit")
    assert len(emulated.app.tasks) == 1


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_declared_faults_are_met_and_reported(emulated, when, accepted):
    fault = {"operation": "create", "kind": "drop", "when": when, "times": 1}
    emulated.http.post(f"{BASE}/emulator/faults", data=json.dumps(fault))
    with pytest.raises(requests.ConnectionError):
        emulated.create()
    assert len(emulated.app.tasks) == accepted
    assert emulated.http.get(f"{BASE}/emulator/faults").json()["faults"][0]["completed"] is True
    assert emulated.create().ok


def test_the_page_lists_its_readings(emulated):
    page = emulated.http.get(f"{BASE}/emulator")
    assert "240 to 8000" in page.text
    assert "#moderation" in page.text


def test_dropped_is_never_answered_as_a_500(emulated):
    emulated.app.faults.add(operation="get", kind="drop", times=1)
    with pytest.raises(requests.ConnectionError) as caught:
        emulated.get("x")
    assert isinstance(caught.value.__cause__, Dropped)
