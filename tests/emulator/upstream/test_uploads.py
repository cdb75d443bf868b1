"""Temporary upload: a policy, a form post, an oss:// name. Sources: upload, exchanges, python, oss."""

import base64
import json

import pytest
import requests

from lib.emulator.clock import Clock
from lib.emulator.in_process import InProcess
from lib.emulator.upstream.errors import UpstreamError
from lib.emulator.upstream.uploads import TemporaryFiles

FLASH, PLUS = "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def policy(emulated, model=FLASH, **options):
    path = f"/uploads?action=getPolicy&model={model}"
    answer = emulated.call("GET", path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def form(given, name="frame.png"):
    """The fields in the order in which the Python SDK sends them."""
    return {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "Signature": given["signature"],
        "policy": given["policy"],
        "key": f"{given['upload_dir']}/{name}",
        "x-oss-object-acl": given["x_oss_object_acl"],
        "x-oss-forbid-overwrite": given["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": "image/png",
    }


def send(emulated, fields, data, *, given, name="frame.png"):
    return emulated.web.post(given["upload_host"], data=fields, files={"file": (name, data)})


def uploaded(emulated, data, *, name="frame.png", **options):
    given = policy(emulated, **options)["data"]
    fields = form(given, name)
    answer = send(emulated, fields, data, given=given)
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    return f"oss://{fields['key']}"


def test_the_shape_of_a_policy(emulated):
    said = policy(emulated)
    assert set(said) == {"request_id", "data"}  # and never `output`: SDKs would prefer it
    given = said["data"]
    assert set(given) == {
        *("policy", "signature", "upload_dir", "upload_host", "expire_in_seconds"),
        *("max_file_size_mb", "capacity_limit_mb", "oss_access_key_id"),
        *("x_oss_object_acl", "x_oss_forbid_overwrite"),
    }
    assert given["upload_dir"].endswith("/" + said["request_id"])
    assert (given["expire_in_seconds"], given["max_file_size_mb"]) == (300, 1024)
    document = json.loads(base64.b64decode(given["policy"]))
    assert document["expiration"].endswith("Z")
    assert ["content-length-range", 0, 1 << 30] in document["conditions"]
    assert ["starts-with", "$key", given["upload_dir"]] in document["conditions"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("model=wan2.2-kf2v-flash", 400, "InvalidParameter"),
        ("action=putPolicy&model=wan2.2-kf2v-flash", 400, "InvalidParameter"),
        ("action=getPolicy", 400, "BadRequest.EmptyModel"),
        ("action=getPolicy&model=wanx2.1-kf2v-plus", 404, "ModelNotFound"),
        ("action=getPolicy&model=wan2.2-t2v-plus", 404, "ModelNotFound"),
    ],
)
def test_a_policy_needs_an_action_and_a_model_of_the_region(emulated, query, status, code):
    answer = emulated.call("GET", f"/uploads?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("region", ["singapore", "beijing"])
def test_an_uploaded_frame_becomes_a_film(emulated, a_body, a_picture, region):
    options = {"region": region, "key": f"sk-{region}"}
    first = uploaded(emulated, a_picture(color=1), **options)
    last = uploaded(emulated, a_picture(color=2), **options)
    answer = emulated.post(
        a_body(first_frame_url=first, last_frame_url=last), headers=RESOLVE, **options
    )
    assert answer.status_code == 200
    (task,) = emulated.app.tasks
    assert (task.film.first, task.film.last) == (a_picture(color=1), a_picture(color=2))
    assert task.failure is None
    assert emulated.pictures.asked == []


@pytest.mark.parametrize("value", [None, "disable", "true"])
@pytest.mark.parametrize("side", ["first_frame_url", "last_frame_url"])
def test_without_the_header_an_oss_name_fails(emulated, a_body, a_picture, side, value):
    name = uploaded(emulated, a_picture())
    headers = {"X-DashScope-OssResourceResolve": value}
    answer = emulated.post(a_body(**{side: name}), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter.DataInspection"
    assert len(emulated.app.tasks) == 0


def ended(emulated, a_body, name, **options):
    answer = emulated.post(a_body(first_frame_url=name, **options), headers=RESOLVE)
    assert answer.status_code == 200, answer.text
    emulated.clock.advance(100)
    return emulated.get(answer.json()["output"]["task_id"])["output"]


def test_a_name_belongs_to_its_model(emulated, a_body, a_picture):
    name = uploaded(emulated, a_picture())
    assert ended(emulated, a_body, name, model=PLUS)["code"] == "InvalidParameter.DataInspection"
    assert ended(emulated, a_body, name)["task_status"] == "SUCCEEDED"


def test_a_name_belongs_to_its_account(emulated, a_body, a_picture):
    theirs = uploaded(emulated, a_picture(), key="sk-other")
    assert ended(emulated, a_body, theirs)["task_status"] == "FAILED"
    ours = uploaded(emulated, a_picture(), key="sk-second")
    assert ended(emulated, a_body, ours)["task_status"] == "SUCCEEDED"


def test_an_invented_name_fails(emulated, a_body):
    assert ended(emulated, a_body, "oss://nothing/x.png")["task_status"] == "FAILED"


def test_a_file_lives_48_hours(emulated, a_body, a_picture):
    name = uploaded(emulated, a_picture())
    emulated.clock.advance(48 * 3600 - 200)
    assert ended(emulated, a_body, name)["task_status"] == "SUCCEEDED"
    emulated.clock.advance(200)
    assert ended(emulated, a_body, name)["task_status"] == "FAILED"


def test_a_policy_lives_300_seconds(emulated, a_picture):
    given = policy(emulated)["data"]
    emulated.clock.advance(299)
    assert send(emulated, form(given), a_picture(), given=given).status_code == 200
    emulated.clock.advance(2)
    answer = send(emulated, form(given, "b.png"), a_picture(), given=given)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/xml"
    assert "<Code>AccessDenied</Code>" in answer.text
    assert "Invalid according to Policy: Policy expired." in answer.text


def test_a_file_is_not_overwritten_and_cannot_be_read_back(emulated, a_picture):
    given = policy(emulated)["data"]
    assert send(emulated, form(given), a_picture(), given=given).status_code == 200
    answer = send(emulated, form(given), b"other", given=given)
    assert (answer.status_code, "FileAlreadyExists" in answer.text) == (409, True)
    for path in ("", "/", f"/{form(given)['key']}"):
        assert emulated.web.get(given["upload_host"] + path).status_code in {403, 404}


FORMS = {
    # change to the fields (None removes one), status, code
    "no key": ({"key": None}, 400, "InvalidArgument"),
    "no policy": ({"policy": None}, 400, "InvalidArgument"),
    "no signature": ({"Signature": None}, 400, "InvalidArgument"),
    "no access key": ({"OSSAccessKeyId": None}, 400, "InvalidArgument"),
    "another access key": ({"OSSAccessKeyId": "LTAIother"}, 403, "InvalidAccessKeyId"),
    "another signature": ({"Signature": "AAAA"}, 403, "SignatureDoesNotMatch"),
    "another policy": ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
    "a key elsewhere": ({"key": "dashscope-instant/x/y.png"}, 403, "AccessDenied"),
    "a key beside the folder": ({"key": "{folder}x/y.png"}, 403, "AccessDenied"),
    "public": ({"x-oss-object-acl": "public-read"}, 403, "AccessDenied"),
    "no acl": ({"x-oss-object-acl": None}, 403, "AccessDenied"),
    "overwriting": ({"x-oss-forbid-overwrite": "false"}, 403, "AccessDenied"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_form_that_breaks_its_policy_is_refused(emulated, a_picture, case):
    change, status, code = FORMS[case]
    given = policy(emulated)["data"]
    fields = form(given)
    for name, value in change.items():
        fields[name] = value and value.replace("{folder}", given["upload_dir"])
    fields = {name: value for name, value in fields.items() if value is not None}
    answer = send(emulated, fields, a_picture(), given=given)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
    assert send(emulated, form(given), a_picture(), given=given).status_code == 200


def test_without_success_action_status_the_answer_is_204(emulated, a_picture):  # oss
    given = policy(emulated)["data"]
    fields = form(given)
    del fields["success_action_status"]
    assert send(emulated, fields, a_picture(), given=given).status_code == 204


def test_a_file_above_the_limit_is_refused():
    clock = Clock(start=0.0)
    store = TemporaryFiles(clock, "http://store.test", b"secret", at_most=1000)

    def app(environ, start_response):
        from werkzeug.wrappers import Request, Response  # a host of four lines

        try:
            response = store.receive(Request(environ))
        except UpstreamError as error:
            response = Response(error.code, error.status)
        return response(environ, start_response)

    web = requests.Session()
    web.mount("http://store.test", InProcess(app))
    given = store.policy("a", "m", "r")
    for size, expected in ((1000, 200), (1001, 400)):
        fields = form(given, f"{size}.png")
        answer = web.post(given["upload_host"], data=fields, files={"file": bytes(size)})
        assert answer.status_code == expected
    assert answer.text == "EntityTooLarge"
    assert store.read(f"oss://{form(given, '1000.png')['key']}", "a", "m") == bytes(1000)
