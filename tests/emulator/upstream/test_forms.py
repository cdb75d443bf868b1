"""Form posts: what a form is, and which of its fields comes last."""

import pytest

from tests.emulator.upstream.test_uploads import form

FLASH, PLUS = "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"


def policy(emulated, model=FLASH, **options):
    path = f"/uploads?action=getPolicy&model={model}"
    answer = emulated.call("GET", path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def multipart(parts):
    lines = []
    for name, value in parts:
        extra = b'; filename="f.png"' if name == "file" else b""
        head = b'--b\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + extra
        lines.append(head + b"\r\n\r\n" + value + b"\r\n")
    return b"".join(lines) + b"--b--\r\n"


def raw(emulated, given, data, kind="multipart/form-data; boundary=b"):
    return emulated.web.post(given["upload_host"], data=data, headers={"Content-Type": kind})


@pytest.mark.parametrize("behind", ["key", "policy", "x-oss-content-type"])
def test_the_file_must_be_the_last_field(emulated, behind):
    given = policy(emulated)["data"]
    fields = [(name, value.encode()) for name, value in form(given).items()]
    ordered = [pair for pair in fields if pair[0] != behind]
    late = [pair for pair in fields if pair[0] == behind]
    answer = raw(emulated, given, multipart([*ordered, ("file", b"x"), *late]))
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)
    assert "must be the last" in answer.text
    twice = raw(emulated, given, multipart([*fields, ("file", b"x"), ("file", b"y")]))
    assert twice.status_code == 400
    good = multipart([*ordered, *late, ("file", b'name="key" name="policy"')])
    assert raw(emulated, given, good).status_code == 200


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"x", "application/octet-stream", "MalformedPOSTRequest"),
        (b"x", "multipart/form-data", "MalformedPOSTRequest"),
        (b"--b\r\nContent-Disp", "multipart/form-data; boundary=b", "MalformedPOSTRequest"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "InvalidArgument"),
    ],
)
def test_what_is_no_form_is_refused(emulated, data, kind, code):
    answer = raw(emulated, policy(emulated)["data"], data, kind)
    assert (answer.status_code, code in answer.text) == (400, True)


def test_a_form_without_a_file_is_refused(emulated):
    given = policy(emulated)["data"]
    parts = [(name, value.encode()) for name, value in form(given).items()]
    answer = raw(emulated, given, multipart(parts))
    assert (answer.status_code, "file" in answer.text) == (400, True)
