"""Frames that go straight into the bucket: a signed PUT that the bucket enforces, then its gs:// name."""

import re
from pathlib import Path

import pytest

from tests.world import BUCKET, picture

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


def test_the_limit_of_a_request_leads_to_uploads(world):
    answer = world.client.post(
        "/v1/videos", data=bytes(33 << 20), content_type="multipart/form-data; boundary=a"
    )
    assert answer.status_code == 413
    assert "POST /v1/uploads" in answer.get_json()["detail"]
