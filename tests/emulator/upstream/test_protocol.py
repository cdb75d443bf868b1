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


class Place:
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
            place, _, field = name.partition("__")
            target = body[place] if field else body
            target[field or place] = value
            if value is None:
                target.pop(field or place)
        sent = {"X-DashScope-Async": "enable", **(headers or {})}
        return self.call("POST", path, region=region, key=key, headers=sent, json=body)

    def task(self, **changes):
        return self.create(**changes).json()["output"]["task_id"]

    def get(self, task_id, **options):
        return self.call("GET", f"/tasks/{task_id}", **options).json()


@pytest.fixture
def place():
    return Place()


def test_a_task_passes_through_its_states_with_documented_fields_and_times(place):
    answer = place.create(input__prompt="雨" * 900)
    assert answer.status_code == 200
    assert answer.json()["output"]["task_status"] == "PENDING"
    task = answer.json()["output"]["task_id"]
    pending = place.get(task)["output"]
    assert pending == {
        "task_id": task,
        "task_status": "PENDING",
        "submit_time": "2026-05-29 04:26:40.000",  # UTC+8
    }
    place.clock.advance(3)
    assert place.get(task)["output"]["task_status"] == "RUNNING"
    place.clock.advance(60)
    done = place.get(task)
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert done["output"]["orig_prompt"] == "雨" * 800
    assert done["usage"] == {"video_duration": 5, "video_count": 1, "SR": 720}
    film = place.http.get(done["output"]["video_url"])
    assert (film.status_code, film.headers["Content-Type"]) == (200, "video/mp4")


def test_the_older_model_reports_another_usage(place):
    task = place.task(model="wan2.1-kf2v-plus")
    place.clock.advance(100)
    assert place.get(task)["usage"] == {
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
def test_what_the_service_refuses_at_once(place, changes, status, code):
    answer = place.create(**changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert len(place.app.tasks) == 0


def test_unknown_keys_and_both_path_spellings_are_tolerated(place):
    assert place.create(path=PATH + "/", parameters__with_audio=False, input__function="x").ok


@pytest.mark.parametrize("name", ["alpha.png", "small.png", "text.png", "gif.png", "gone.png"])
def test_a_bad_frame_ends_the_task_as_failed_inside_a_200(place, name):
    task = place.task(input__last_frame_url=f"http://pictures.test/{name}")
    place.clock.advance(100)
    output = place.get(task)["output"]
    assert output["task_status"] == "FAILED"
    assert output["code"].startswith(("InvalidParameter", "InvalidFile"))
    assert "video_url" not in output


def test_a_template_needs_no_last_frame(place):
    assert place.create(input__last_frame_url=None, input__template="solaron").ok


def test_unknown_foreign_and_old_tasks_are_unknown(place):
    task = place.task()
    assert place.get("no-such")["output"] == {"task_id": "no-such", "task_status": "UNKNOWN"}
    assert place.get(task, region="beijing", key="sk-b")["output"]["task_status"] == "UNKNOWN"
    assert place.get(task, key="sk-s2")["output"]["task_status"] == "PENDING"  # same account
    place.clock.advance(24 * 3600 + 1)
    assert place.get(task)["output"]["task_status"] == "UNKNOWN"


def test_a_result_link_dies_after_24_hours_and_cannot_be_forged(place):
    task = place.task()
    place.clock.advance(100)
    link = place.get(task)["output"]["video_url"]
    assert place.http.get(link, headers={"Range": "bytes=4-7"}).status_code == 206
    assert place.http.get(link.replace("Expires=1", "Expires=2")).status_code == 403
    place.clock.advance(24 * 3600)
    assert place.http.get(link).status_code == 403


def test_two_creates_a_second_and_twenty_queries(place):
    answers = [place.create().status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert {place.call("GET", "/tasks/x").status_code for _ in range(20)} == {200}
    assert place.call("GET", "/tasks/x").json()["code"] == "Throttling.RateQuota"
    place.clock.advance(1.1)
    assert place.call("GET", "/tasks/x").status_code == 200


@pytest.mark.parametrize("overflow", ["refuse", "queue"])
def test_a_third_task_at_once(overflow):
    place = Place(overflow=overflow)
    for _ in range(2):
        place.create()
        place.clock.advance(1)
    third = place.create()
    if overflow == "refuse":
        assert third.json()["code"] == "Throttling"
        return
    task = third.json()["output"]["task_id"]
    place.clock.advance(30)
    assert place.get(task)["output"]["task_status"] == "PENDING"
    place.clock.advance(40)
    assert place.get(task)["output"]["task_status"] == "RUNNING"


def test_only_a_pending_task_can_be_cancelled(place):
    task = place.task()
    assert place.call("POST", f"/tasks/{task}/cancel").status_code == 200
    assert place.get(task)["output"]["task_status"] == "CANCELED"
    other = place.task()
    place.clock.advance(10)
    refused = place.call("POST", f"/tasks/{other}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")


def test_the_list_has_epoch_milliseconds_pages_and_filters(place):
    tasks = []
    for _ in range(2):
        tasks.append(place.task())
        place.clock.advance(61)
    page = place.call("GET", "/tasks?page_no=1&page_size=1").json()
    assert (page["total"], page["total_page"], len(page["data"])) == (2, 2, 1)
    row = page["data"][0]
    assert row["task_id"] == tasks[1]
    assert row["gmt_create"] == 1_780_000_061_000
    assert row["model_name"] == "wan2.2-kf2v-flash"
    assert "end_time" not in row
    done = place.call("GET", "/tasks/?status=SUCCEEDED").json()["data"]
    assert [row["task_id"] for row in done] == [tasks[0]]
    assert place.call("GET", "/tasks", region="beijing", key="sk-b").json()["total"] == 0


def upload(place, policy, **changes):
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
    return place.http.post(policy["upload_host"], data=fields, files={"file": ("a.png", picture())})


def test_a_temporary_upload_lives_48_hours_for_its_model_and_account(place):
    def policy():
        path = "/uploads?action=getPolicy&model=wan2.2-kf2v-flash"
        return place.call("GET", path).json()["data"]

    mine = policy()
    assert upload(place, mine).status_code == 200
    name = f"oss://{mine['upload_dir']}/a.png"
    resolve = {"X-DashScope-OssResourceResolve": "enable"}
    good = place.task(input__first_frame_url=name, headers=resolve)
    place.clock.advance(100)
    assert place.get(good)["output"]["task_status"] == "SUCCEEDED"
    other = place.task(model="wan2.1-kf2v-plus", input__first_frame_url=name, headers=resolve)
    place.clock.advance(100)
    assert place.get(other)["output"]["task_status"] == "FAILED"
    late = policy()
    place.clock.advance(301)
    assert "AccessDenied" in upload(place, late).text
    forged = {**policy(), "signature": "AAAA"}
    assert upload(place, forged).status_code == 403


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("moderation", "DataInspectionFailed"),
        ("timeout", "InternalError.Timeout"),
        ("internal", "InternalError"),
    ],
)
def test_failures_by_prompt(place, scenario, code):
    task = place.task(input__prompt=f"rain #{scenario}")
    place.clock.advance(100)
    assert place.get(task)["output"]["code"] == code


def test_a_stuck_task_fails_after_three_hours(place):
    task = place.task(input__prompt="rain #stuck")
    place.clock.advance(3 * 3600 - 60)
    assert place.get(task)["output"]["task_status"] == "RUNNING"
    place.clock.advance(120)
    assert place.get(task)["output"]["code"] == "InternalError.Timeout"


def test_a_lost_submit_is_accepted_and_answered_with_a_cut(place):
    with pytest.raises(requests.ConnectionError):
        place.create(input__prompt="rain #lost-submit")
    assert len(place.app.tasks) == 1


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_declared_faults_are_met_and_reported(place, when, accepted):
    fault = {"operation": "create", "kind": "drop", "when": when, "times": 1}
    place.http.post(f"{BASE}/emulator/faults", data=json.dumps(fault))
    with pytest.raises(requests.ConnectionError):
        place.create()
    assert len(place.app.tasks) == accepted
    assert place.http.get(f"{BASE}/emulator/faults").json()["faults"][0]["completed"] is True
    assert place.create().ok


def test_the_page_lists_its_readings(place):
    page = place.http.get(f"{BASE}/emulator")
    assert "240 to 8000" in page.text
    assert "#moderation" in page.text


def test_dropped_is_never_answered_as_a_500(place):
    place.app.faults.add(operation="get", kind="drop", times=1)
    with pytest.raises(requests.ConnectionError) as caught:
        place.get("x")
    assert isinstance(caught.value.__cause__, Dropped)
