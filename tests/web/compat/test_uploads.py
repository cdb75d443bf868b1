"""Temporary uploads: a policy that cannot be bent, files that nobody else can use."""

import base64
import io
import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import EnvironBuilder

from lib.web.auth import digest
from lib.web.compat.uploads import signing_secret
from tests.conftest import film
from tests.world import World, picture

KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"], "bob": [f"s2:{digest('s2', 'key-b')}"]}
ALICE, BOB = {"Authorization": "Bearer key-a"}, {"Authorization": "Bearer key-b"}
CREATE = "/api/v1/services/aigc/image2video/video-synthesis"
FLASH, PLUS = "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


@pytest.fixture
def world(make_world):
    return make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})


def policy(world, owner=ALICE, model=FLASH, **options):
    path = f"/api/v1/uploads?action=getPolicy&model={model}"
    return world.client.get(path, headers=owner, **options).json


def form(rules, name="first.png", **changes):
    fields = {
        "OSSAccessKeyId": rules["oss_access_key_id"],
        "Signature": rules["signature"],
        "policy": rules["policy"],
        "key": f"{rules['upload_dir']}/{name}",
        "x-oss-object-acl": rules["x_oss_object_acl"],
        "x-oss-forbid-overwrite": rules["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "x-oss-content-type": "image/png",
        **changes,
    }
    return {key: value for key, value in fields.items() if value is not None}


def post(world, fields, data=None, file="file", client=None):
    parts = MultiDict(fields)
    if file:
        stream = io.BytesIO(picture() if data is None else data)
        parts[file] = FileStorage(stream, filename="first.png")
    environ = EnvironBuilder(method="POST", path="/api/v1/uploads", data=parts).get_environ()
    # The test client spools a large body to a file and leaves it open.
    with environ["wsgi.input"], (client or world.client).open(environ) as answer:
        answer.get_data()
        return answer


def refusal(answer):
    assert answer.content_type == "application/xml"
    root = ET.fromstring(answer.data)
    assert [child.tag for child in root] == ["Code", "Message"]
    return answer.status_code, root[0].text


def uploaded(world, owner=ALICE, model=FLASH, name="first.png", data=None):
    fields = form(policy(world, owner, model)["data"], name)
    answer = post(world, fields, data)
    assert (answer.status_code, answer.data) == (200, b"")
    return f"oss://{fields['key']}"


def create(world, url, owner=ALICE, model=FLASH, resolve=RESOLVE):
    source = {"first_frame_url": url, "last_frame_url": url}
    headers = {**owner, **resolve, "X-DashScope-Async": "enable"}
    return world.client.post(CREATE, json={"model": model, "input": source}, headers=headers)


UNREADABLE = (400, "InvalidParameter.DataInspection")


def said(answer):
    return answer.status_code, answer.json.get("code")


def test_a_policy_has_the_services_members_and_ends_with_its_request_id(world):
    answer = policy(world)
    assert list(answer) == ["request_id", "data"]
    rules = answer["data"]
    assert rules["upload_dir"].endswith("/" + answer["request_id"])
    assert rules["upload_host"] == "http://localhost/api/v1/uploads"
    assert (rules["expire_in_seconds"], rules["max_file_size_mb"]) == (300, 10)
    assert "alice" not in rules["upload_dir"]
    document = json.loads(base64.b64decode(rules["policy"]))
    assert document["conditions"][1] == ["starts-with", "$key", rules["upload_dir"]]


def test_behind_the_platforms_proxy_the_host_is_https(world):
    behind = {**ALICE, "X-Forwarded-Proto": "https,http", "Host": "api-x.a.run.app"}
    assert policy(world, behind)["data"]["upload_host"] == "https://api-x.a.run.app/api/v1/uploads"
    odd = {**ALICE, "X-Forwarded-Proto": "gopher"}
    assert policy(world, odd)["data"]["upload_host"].startswith("http://")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "InvalidParameter"),
        ("action=get&model=wan2.2-kf2v-flash", 400, "InvalidParameter"),
        ("action=getPolicy", 400, "BadRequest.EmptyModel"),
        ("action=getPolicy&model=qwen-vl", 404, "ModelNotFound"),
        ("action=getPolicy&model=wanx2.1-kf2v-plus", 404, "ModelNotFound"),
    ],
)
def test_a_policy_needs_its_parameters(world, query, status, code):
    answer = world.client.get(f"/api/v1/uploads?{query}", headers=ALICE)
    assert said(answer) == (status, code)


def test_a_file_becomes_a_frame_of_its_owners_task(world):
    url = uploaded(world)
    assert create(world, url).status_code == 200
    (task,) = world.paid()
    assert task.film.first == picture()
    (stored,) = world.names("uploads/")
    assert stored == f"uploads/alice/{url.removeprefix('oss://')}"


def test_any_instance_takes_the_form_and_finds_the_file(world):
    from werkzeug.test import Client  # a second client
    from werkzeug.wrappers import Request

    other = Client(Request.application(world.instance().api))
    fields = form(policy(world)["data"])
    assert post(world, fields, client=other).status_code == 200
    assert create(world, f"oss://{fields['key']}").status_code == 200


def test_without_the_resolve_header_the_name_is_not_looked_up(world):
    assert said(create(world, uploaded(world), resolve={})) == UNREADABLE


def test_a_file_is_of_one_owner_and_one_model(world):
    url = uploaded(world)
    assert said(create(world, url, BOB)) == UNREADABLE
    assert said(create(world, url, model=PLUS)) == UNREADABLE
    assert create(world, uploaded(world, BOB, PLUS), BOB, PLUS).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "oss://",
        "oss://x",
        "oss://dashscope-instant/x/y/z/a.png",
        "oss://dashscope-instant/../../videos/alice/a.mp4",
        "oss://../../../jobs/alice/x.json",
        "oss://dashscope-instant/x/..",
        "oss://" + "a" * 2000,
    ],
)
def test_invented_names_lead_nowhere(world, url):
    assert said(create(world, url)) == UNREADABLE


def test_a_policy_is_good_for_five_minutes(world):
    rules = policy(world)["data"]
    world.clock.advance(300)
    assert post(world, form(rules, "a.png")).status_code == 200
    world.clock.advance(1)
    answer = post(world, form(rules, "b.png"))
    assert refusal(answer) == (403, "AccessDenied")
    assert b"Policy expired." in answer.data


def _widened(rules):
    document = json.loads(base64.b64decode(rules["policy"]))
    document["owner"] = "bob"
    return base64.b64encode(json.dumps(document).encode()).decode()


BENT = {
    "signature": (
        lambda rules: {"Signature": rules["signature"][::-1]},
        403,
        "SignatureDoesNotMatch",
    ),
    "signature-not-ascii": (lambda _: {"Signature": "ü"}, 403, "SignatureDoesNotMatch"),
    "policy-of-another-owner": (
        lambda rules: {"policy": _widened(rules)},
        403,
        "SignatureDoesNotMatch",
    ),
    "policy-that-is-none": (lambda _: {"policy": "x"}, 403, "SignatureDoesNotMatch"),
    "key-id": (lambda _: {"OSSAccessKeyId": "LTAI"}, 403, "InvalidAccessKeyId"),
    "key-elsewhere": (lambda _: {"key": "dashscope-instant/x/a.png"}, 403, "AccessDenied"),
    "key-below": (lambda r: {"key": r["upload_dir"] + "/b/a.png"}, 403, "AccessDenied"),
    "key-up": (lambda r: {"key": r["upload_dir"] + "/.."}, 403, "AccessDenied"),
    "key-empty": (lambda r: {"key": r["upload_dir"] + "/"}, 403, "AccessDenied"),
    "key-control": (lambda r: {"key": r["upload_dir"] + "/a\tb"}, 403, "AccessDenied"),
    "key-long": (lambda r: {"key": r["upload_dir"] + "/" + "ü" * 128}, 403, "AccessDenied"),
    "acl": (lambda _: {"x-oss-object-acl": "public-read"}, 403, "AccessDenied"),
    "overwrite": (lambda _: {"x-oss-forbid-overwrite": None}, 403, "AccessDenied"),
    "no-policy": (lambda _: {"policy": None}, 400, "InvalidArgument"),
    "no-key": (lambda _: {"key": None}, 400, "InvalidArgument"),
    "no-signature": (lambda _: {"Signature": None}, 400, "InvalidArgument"),
}


@pytest.mark.parametrize("case", BENT)
def test_a_bent_form_is_refused_and_stores_nothing(world, case):
    change, status, code = BENT[case]
    rules = policy(world)["data"]
    assert refusal(post(world, form(rules, **change(rules)))) == (status, code)
    assert world.names("uploads/") == []


def test_a_form_without_a_file_or_not_a_form_is_refused(world):
    fields = form(policy(world)["data"])
    assert refusal(post(world, fields, file="")) == (400, "InvalidArgument")
    answer = world.client.post("/api/v1/uploads", data=b"x", content_type="multipart/form-data")
    assert refusal(answer) == (400, "InvalidArgument")
    assert refusal(world.client.post("/api/v1/uploads", json={})) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("size", "status"), [(10 << 20, 200), ((10 << 20) + 1, 400), (11 << 20, 400)]
)
def test_a_file_has_at_most_the_size_of_a_frame(world, size, status):
    with_file = post(world, form(policy(world)["data"]), bytes(size))
    assert with_file.status_code == status
    if status == 400:
        assert refusal(with_file) == (400, "EntityTooLarge")


def test_names_with_spaces_and_other_letters(world):
    for name in ("my frame.png", "首帧.png", "a+b&c=d%20.png", "C:\\frames\\x.png", "'\"<>.png"):
        assert create(world, uploaded(world, name=name)).status_code == 200
        world.clock.advance(2)


def test_uploads_cannot_be_read_back_and_a_bucket_in_trouble_is_503(world):
    assert world.client.get("/api/v1/uploads").status_code == 401
    fields = form(policy(world)["data"])
    world.storage.faults.add(object="uploads/*", status=503, times=100)
    answer = post(world, fields)
    assert (answer.status_code, answer.json["code"]) == (503, "ServiceUnavailable")


def test_the_signing_key_is_one_for_all_instances_and_nobodys_guess():
    keys = {"alice": ("s:1",), "bob": ("s:2",)}
    turned = {"bob": ("s:2",), "alice": ("s:1",)}
    assert signing_secret(keys, ["k"]) == signing_secret(turned, ["k"])
    others = [
        signing_secret({}, ["k"]),
        signing_secret({}, ["other"]),
        signing_secret(keys, ["other"]),
        signing_secret({"alice": ("s:9",), "bob": ("s:2",)}, ["k"]),
    ]
    assert len({signing_secret(keys, ["k"]), *others}) == 5


fuzzed = World(film)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["OSSAccessKeyId", "Signature", "policy", "key", "x-oss-object-acl"]),
        st.text(st.characters(codec="utf-8"), max_size=30),
    ),
    st.binary(max_size=50),
)
def test_no_form_at_all_makes_it_stumble(changes, data):
    rules = policy(fuzzed)["data"]
    answer = post(fuzzed, form(rules, **changes), data)
    if set(changes) <= {"key"} and answer.status_code == 200:
        return
    assert answer.status_code in {200, 400, 403}
    assert (
        changes == {}
        or answer.status_code != 200
        or set(form(rules, **changes)) == set(form(rules))
    )
