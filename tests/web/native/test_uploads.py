"""Frames that go straight into the bucket: a signed PUT that the bucket enforces, then its gs:// name."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.adapters.files import signing, v4
from lib.core.errors import ApiError
from lib.flows.requests.frames import load
from tests.world import BUCKET, START, STORAGE, picture, signing_key

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def web(world):
    session = world.session()
    yield session
    session.close()


def opened(world, **fields):
    answer = world.client.post("/v1/uploads", json={"content_type": "image/png", **fields})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def put(web, upload, data, **changes):
    headers = {**upload["headers"], **changes}
    headers = {name: value for name, value in headers.items() if value is not None}
    return web.request(upload["method"], upload["url"], data=data, headers=headers)


def refused(world, first, last=None):
    answer = world.client.post(
        "/v1/videos", json={"first_frame": first, "last_frame": last or first, "prompt": "rain"}
    )
    error = answer.get_json()["error"]
    assert answer.status_code == 400
    return error["message"]


def test_a_frame_is_put_into_the_bucket_and_becomes_a_film(world, web):
    first, last = opened(world), opened(world, size_bytes=5000)
    assert first["object"] == "upload"
    assert first["expires_at"] - first["created_at"] == 900
    assert first["usable_until"] - first["created_at"] == 48 * 3600
    assert first["frame"].startswith(f"gs://{BUCKET}/uploads/local/upl_")
    for upload, color in ((first, (9, 9, 9)), (last, (200, 200, 9))):
        assert put(web, upload, picture(color=color)).status_code == 200
    job = world.client.post(
        "/v1/videos",
        json={"first_frame": first["frame"], "last_frame": last["frame"], "prompt": "rain"},
    )
    assert job.status_code == 202
    world.run()
    assert world.job(job.get_json()["id"])["status"] == "completed"


def test_the_bucket_enforces_what_was_signed(world, web):
    upload, data = opened(world), picture()
    too_long = bytes(upload["max_bytes"] + 1)
    for changes, code in (
        ({"Content-Type": "image/jpeg"}, "SignatureDoesNotMatch"),
        ({"Content-Type": None}, "MalformedSecurityHeader"),
        ({"x-goog-content-length-range": "0,99999999"}, "SignatureDoesNotMatch"),
        ({"x-goog-content-length-range": None}, "MalformedSecurityHeader"),
        ({"x-goog-if-generation-match": None}, "MalformedSecurityHeader"),
        ({"x-goog-if-generation-match": "1"}, "SignatureDoesNotMatch"),
        ({"x-goog-acl": "public-read"}, "MalformedSecurityHeader"),
    ):
        answer = put(web, upload, data, **changes)
        assert answer.status_code in {400, 403}, changes
        assert code in answer.text, changes
    answer = put(web, upload, too_long)
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)
    assert put(web, upload | {"method": "GET"}, None).status_code == 403
    other = upload | {"url": upload["url"].replace("upl_", "upl_0")}
    assert "SignatureDoesNotMatch" in put(web, other, data).text
    assert world.names("uploads/") == []
    assert put(web, upload, data).status_code == 200
    assert put(web, upload, data).status_code == 412  # nothing is overwritten
    late = opened(world)
    world.clock.advance(901)
    assert "ExpiredToken" in put(web, late, data).text


def test_a_link_is_the_librarys_at_the_same_instant(world, monkeypatch):
    upload = opened(world)
    key_file, _ = signing_key()
    data = json.loads(Path(key_file).read_text()) | {"token_uri": "https://t"}
    client = storage.Client(
        project="x", credentials=AnonymousCredentials(), client_options={"api_endpoint": STORAGE}
    )
    moment = datetime.fromtimestamp(START, UTC)
    from google.cloud.storage import _signing  # the one test that sets its clock

    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    monkeypatch.setattr(_signing, "get_v4_now_dtstamps", lambda: (stamp, stamp[:8]))
    monkeypatch.setattr(_signing, "_NOW", lambda _zone: moment)
    theirs = (
        client.bucket(BUCKET)
        .blob(upload["frame"].removeprefix(f"gs://{BUCKET}/"))
        .generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=900),
            method="PUT",
            headers=upload["headers"],
            credentials=service_account.Credentials.from_service_account_info(data),
        )
    )
    assert upload["url"] == theirs


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(["x-goog-a", "X-Goog-B", "Content-Type"]), st.text("ab ")))
def test_blanks_in_signed_headers_count_once(headers):
    signer = signing.key_file_signer(signing_key()[0])
    wide = {name: value.replace(" ", "   ") for name, value in headers.items()}
    links = [
        v4.sign_v4(signer, STORAGE, "/b/o", {"X-Goog-Expires": "9"}, now=9, headers=given_)
        for given_ in (headers, wide)
    ]
    assert links[0] == links[1]


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({}, "content_type", "got nothing"),
        ({"content_type": "image/gif"}, "content_type", "image/webp"),
        ({"content_type": 7}, "content_type", "another type"),
        ({"content_type": "image/png\r\nx-goog-acl: public-read"}, "content_type", "another type"),
        ({"content_type": "image/png", "size_bytes": 10485761}, "size_bytes", "10485760"),
        ({"content_type": "image/png", "size_bytes": 0}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "size_bytes": True}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "content_length": "x"}, "size_bytes", "from 1"),
        ({"content_type": "image/png", "size_bytes": 1, "content_length": 1}, "size_bytes", "twice"),
        ({"content_type": "image/png", "name": "../keys/a"}, "name", "unknown field"),
    ],
)  # fmt: skip
def test_what_no_frame_can_be_gets_no_link(world, fields, param, words):
    answer = world.client.post("/v1/uploads", json=fields)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["param"] == param
    assert words in answer.get_json()["error"]["message"]


def test_a_form_does_as_well(world):
    answer = world.client.post(
        "/v1/uploads", data={"content_type": "image/jpeg", "size_bytes": "5"},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code == 201


def test_a_browser_may_put_with_the_cors_rule_that_terraform_gives_the_bucket(world, web):
    """The bucket answers the preflight, not we; every signed header must stand in its rule."""
    text = (ROOT / "infra/terraform/bucket.tf").read_text("utf-8")
    block = text[text.index('dynamic "cors"') :]
    headers = re.findall(
        r'"([^"]+)"', re.search(r"response_header = \[(.*?)\]", block, re.DOTALL)[1]
    )
    methods = re.findall(r'"([^"]+)"', re.search(r"method\s*= \[(.*?)\]", block)[1])
    origin, upload = "https://app.example.com", opened(world)
    ask = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(
            sorted(name.lower() for name in upload["headers"])
        ),
    }
    for known, allowed in ((headers, origin), (headers[:6], None)):
        rule = {"origin": [origin], "method": methods, "responseHeader": known}
        world.bucket.cors = [rule | {"maxAgeSeconds": 3600}]
        world.bucket.patch()
        preflight = web.options(upload["url"], headers=ask)
        assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
    answer = put(web, upload, picture(), Origin=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin


# Whose, and which


def test_only_the_owners_own_uploads_are_read(world):
    own = "uploads/local/upl_1.png"
    elsewhere = [
        "uploads/other/upl_1.png", "uploads/upl_1.png", "uploads/local/a/../../other/upl_1.png",
        "pending/local/a", "jobs/local/a", "keys/local/a", "frames/local/a/b.png", "upl_1.png",
        "uploads/local2/upl_1.png", "uploads/LOCAL/upl_1.png", "uploads/local//upl_1.png",
        "uploads/local/.png", "uploads/local/upl_1.png ", "videos/local/a.mp4", "gates/singapore",
    ]  # fmt: skip
    for name in [own, *elsewhere]:
        world.bucket.blob(name).upload_from_string(picture(), content_type="image/png")
    assert load(world.context, "local", f"gs://{BUCKET}/{own}", "first_frame").width == 640
    missing = refused(world, f"gs://{BUCKET}/uploads/local/upl_none.png")
    for name in elsewhere:
        assert refused(world, f"gs://{BUCKET}/{name}") == missing, name
    for link in (
        f"gs://{BUCKET}x/{own}", f"gs://x/{own}", f"gs://{BUCKET}", f"gs://{BUCKET}/",
        f"gs://{BUCKET}/{own}#1", f"gs://{BUCKET}/{own}?generation=1", f"gs://{BUCKET}%2f{own}",
        f"gs://{BUCKET}/uploads/local/%75pl_1.png", f"GS://a@{BUCKET}/{own}",
    ):  # fmt: skip
        assert refused(world, link) == missing, link
    assert "POST /v1/uploads" in missing


def test_another_owners_upload_looks_like_a_missing_one_to_everybody_else(world):
    name = f"gs://{BUCKET}/uploads/alice/upl_1.png"
    world.bucket.blob("uploads/alice/upl_1.png").upload_from_string(picture())
    load(world.context, "alice", name, "first_frame")
    with pytest.raises(ApiError) as of_bob:
        load(world.context, "bob", name, "first_frame")
    with pytest.raises(ApiError) as of_nobody:
        load(world.context, "bob", name.replace("upl_1", "upl_2"), "first_frame")
    assert str(of_bob.value) == str(of_nobody.value)


def test_an_upload_counts_for_48_hours_and_is_judged_like_any_frame(world, web):
    upload, wrong, big = opened(world), opened(world), f"gs://{BUCKET}/uploads/local/big.png"
    assert put(web, upload, picture()).status_code == 200
    assert put(web, wrong, picture(kind="GIF")).status_code == 200
    world.bucket.blob("uploads/local/big.png").upload_from_string(bytes((10 << 20) + 1))
    assert "got a GIF file" in refused(world, wrong["frame"])
    assert "10 MB" in refused(world, big)
    world.clock.advance(48 * 3600 - 1)
    assert load(world.context, "local", upload["frame"], "first_frame").height == 480
    world.clock.advance(2)
    assert "older than 48 hours" in refused(world, upload["frame"])


def test_the_limit_of_a_request_leads_to_uploads(world):
    answer = world.client.post(
        "/v1/videos", data=bytes(33 << 20), content_type="multipart/form-data; boundary=a"
    )
    assert answer.status_code == 413
    assert "POST /v1/uploads" in answer.get_json()["detail"]
