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
