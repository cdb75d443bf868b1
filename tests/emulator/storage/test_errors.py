"""Nothing is ignored silently: what is not implemented answers 501 with its name."""

import pytest

from lib.emulator.clock import Clock

OBJECT = "/storage/v1/b/home/o/object"
UPLOAD = "/upload/storage/v1/b/home/o?uploadType=media&name=x"

UNKNOWN = {
    "compose": ("POST", f"{OBJECT}/compose", "compose"),
    "rewrite": ("POST", f"{OBJECT}/rewriteTo/b/home/o/copy", "rewriteTo"),
    "copy": ("POST", f"{OBJECT}/copyTo/b/home/o/copy", "copyTo"),
    "move": ("POST", f"{OBJECT}/moveTo/o/copy", "moveTo"),
    "restore": ("POST", f"{OBJECT}/restore", "restore"),
    "acl": ("GET", f"{OBJECT}/acl", "acl"),
    "iam": ("GET", "/storage/v1/b/home/iam", "iam"),
    "batch": ("POST", "/batch/storage/v1", "batch"),
    "hmac keys": ("POST", "/storage/v1/projects/p/hmacKeys", "hmacKeys"),
    "service account": ("GET", "/storage/v1/projects/p/serviceAccount", "serviceAccount"),
    "folders": ("GET", "/storage/v1/b/home/folders", "folders"),
    "xml listing": ("GET", "/home", "/home"),
    "versions": ("GET", "/storage/v1/b/home/o?versions=true", "versions"),
    "soft deleted": ("GET", "/storage/v1/b/home/o?softDeleted=true", "softDeleted"),
    "glob": ("GET", "/storage/v1/b/home/o?matchGlob=*.mp4", "matchGlob"),
    "filter": ("GET", "/storage/v1/b/home/o?filter=x", "filter"),
    "condition on a listing": (
        "GET",
        "/storage/v1/b/home/o?ifGenerationMatch=1",
        "ifGenerationMatch",
    ),
    "source condition": ("GET", f"{OBJECT}?ifSourceGenerationMatch=1", "ifSourceGenerationMatch"),
    "invented condition": ("DELETE", f"{OBJECT}?ifMoonIsFull=1", "ifMoonIsFull"),
    "misspelt condition": (
        "POST",
        f"{UPLOAD}&ifMetaGenerationNotMatch=1",
        "ifMetaGenerationNotMatch",
    ),
    "predefined acl": ("POST", f"{UPLOAD}&predefinedAcl=publicRead", "predefinedAcl"),
    "kms key": ("POST", f"{UPLOAD}&kmsKeyName=k", "kmsKeyName"),
    "alt": ("GET", f"{OBJECT}?alt=proto", "alt=proto"),
    "unknown root": ("GET", "/", "GET /"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_implemented_is_501_by_name(emulated, name):
    emulated.write()
    method, path, named = UNKNOWN[name]
    answer = emulated.call(method, path)
    assert answer.status_code == 501
    assert named in answer.text
    assert emulated.names() == ["object"]


@pytest.mark.parametrize(
    "field", ["temporaryHold", "eventBasedHold", "retention", "contexts", "acl", "kmsKeyName"]
)
def test_an_object_field_that_is_not_implemented_is_501(emulated, field):
    emulated.write()
    for method in ("PATCH", "PUT"):
        answer = emulated.call(method, OBJECT, json={field: {"x": 1}})
        assert answer.status_code == 501
        assert field in answer.text


@pytest.mark.parametrize(
    "setting",
    [
        {"versioning": {"enabled": True}},
        {"softDeletePolicy": {"retentionDurationSeconds": "604800"}},
        {"retentionPolicy": {"retentionPeriod": "60"}},
        {"website": {"mainPageSuffix": "index.html"}},
        {"encryption": {"defaultKmsKeyName": "k"}},
        {"lifecycle": {"rule": [{"action": {"type": "Pray"}, "condition": {"age": 1}}]}},
        {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"mood": 1}}]}},
    ],
    ids=str,
)
def test_a_bucket_setting_that_is_not_implemented_is_501(emulated, setting):
    answer = emulated.call("PATCH", "/storage/v1/b/home", json=setting)
    assert answer.status_code == 501
    assert emulated.call("GET", "/storage/v1/b/home").json()["metageneration"] == "1"


def test_what_is_off_in_the_service_may_be_switched_off(emulated):
    off = {"versioning": {"enabled": False}, "softDeletePolicy": {"retentionDurationSeconds": 0}}
    answer = emulated.call("PATCH", "/storage/v1/b/home", json=off)
    assert answer.status_code == 200
    assert answer.json()["versioning"] == {"enabled": False}


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_validator_on_a_write_is_501(emulated, header, method):
    emulated.write()
    answer = emulated.call(method, OBJECT, headers={header: "x"}, json={})
    assert answer.status_code == 501


def test_keys_of_the_customer_are_501(emulated):
    emulated.write()
    headers = {"x-goog-encryption-algorithm": "AES256"}
    for method, path in (("GET", OBJECT), ("POST", UPLOAD)):
        assert emulated.call(method, path, headers=headers).status_code == 501


def test_a_v2_signature_is_refused_with_a_sentence(emulated):
    blob = emulated.write()
    url = blob.generate_signed_url(
        version="v2",
        expiration=3600,
        credentials=emulated.signer,
        api_access_endpoint="http://storage.test",
    )
    answer = emulated.web.get(url)
    assert answer.status_code == 403
    assert "V2 signatures are not accepted" in answer.text


def test_a_signed_parameter_that_is_not_implemented_is_501(make_emulated):
    emulated = make_emulated(clock=Clock())  # the client signs with the machine's time
    url = emulated.write().generate_signed_url(
        version="v4",
        expiration=3600,
        credentials=emulated.signer,
        api_access_endpoint="http://storage.test",
        query_parameters={"userIp": "1", "acl": ""},
    )
    answer = emulated.web.get(url)
    assert answer.status_code == 501
    assert "acl" in answer.text


def test_a_crash_is_a_500_and_is_seen(emulated, capsys, monkeypatch):
    monkeypatch.setattr(emulated.app.store, "live", None)
    answer = emulated.call("GET", OBJECT)
    assert answer.status_code == 500
    assert "Traceback" in capsys.readouterr().err
