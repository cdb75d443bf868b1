"""The form of a temporary upload, byte by byte: what comes first counts, and nothing is lent before it."""

import io
import json

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from lib.web.auth import digest
from lib.web.compat.upload_form import FIELDS_AT_MOST, FORM_AT_MOST
from tests.world import picture

ALICE = {"Authorization": "Bearer key-a"}
KEYS = {"alice": [f"s1:{digest('s1', 'key-a')}"]}
MB = 1 << 20


@pytest.fixture
def world(make_world):
    return make_world(env={"AUTH": "on", "OWNER_KEYS": json.dumps(KEYS)})


def fields(world):
    query = "action=getPolicy&model=wan2.2-kf2v-flash"
    rules = world.client.get(f"/api/v1/uploads?{query}", headers=ALICE).json["data"]
    return {
        "OSSAccessKeyId": rules["oss_access_key_id"],
        "Signature": rules["signature"],
        "policy": rules["policy"],
        "key": f"{rules['upload_dir']}/a.png",
        "x-oss-object-acl": rules["x_oss_object_acl"],
        "x-oss-forbid-overwrite": rules["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }


def part(name, value, *, file=False):
    filename = '; filename="a.png"' if file else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def body(given, data=None, before=b"", after=b"--b--\r\n"):
    texts = b"".join(part(name, value.encode()) for name, value in given.items())
    return before + texts + part("file", picture() if data is None else data, file=True) + after


class Counted(io.BytesIO):
    """A body that knows how much memory was lent when its last byte was read."""

    def __init__(self, data, memory):
        super().__init__(data)
        self._memory, self.most = memory, 0

    def read(self, size=-1):
        self.most = max(self.most, self._memory._used)
        return super().read(size)

    def readinto(self, buffer):
        self.most = max(self.most, self._memory._used)
        return super().readinto(buffer)


def post(world, data, *, length=True):
    builder = EnvironBuilder(method="POST", path="/api/v1/uploads")
    environ = builder.get_environ()
    source = Counted(data, world.context.body_memory)
    environ |= {"wsgi.input": source, "wsgi.input_terminated": True}
    environ["CONTENT_TYPE"] = "multipart/form-data; boundary=b"
    if length:
        environ["CONTENT_LENGTH"] = str(len(data))
    else:
        environ.pop("CONTENT_LENGTH", None)
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    said, status, _ = run_wsgi_app(world.client.application, environ)
    text = b"".join(said)
    assert world.context.body_memory._used == 0
    return int(status.split()[0]), text, source


@pytest.mark.parametrize("length", [True, False])
def test_memory_is_lent_to_a_good_policy_and_to_no_other(world, length):
    given = fields(world)
    bad = {**given, "Signature": "x"}
    status, said, source = post(world, body(bad, bytes(5 * MB)), length=length)
    assert (status, source.most) == (403, 0)
    assert b"SignatureDoesNotMatch" in said
    status, _, source = post(world, body(given, bytes(5 * MB)), length=length)
    assert status == 200
    assert source.most >= 8 * MB


def test_fields_after_the_file_do_not_count(world):
    given = fields(world)
    late = {"policy": given.pop("policy")}
    texts = b"".join(part(name, value.encode()) for name, value in late.items())
    status, said, _ = post(world, body(given, after=texts + b"--b--\r\n"))
    assert status == 400
    assert b"named &#x27;policy&#x27;" in said or b"named 'policy'" in said
    given |= late
    after = part("success_action_status", b"204") + b"--b--\r\n"
    assert post(world, body(given, after=after))[0] == 200


def test_the_fields_are_small(world):
    given = fields(world)
    status, said, source = post(world, body(given, before=part("x", bytes(FIELDS_AT_MOST))))
    assert (status, source.most) == (400, 0)
    assert b"FieldItemTooLong" in said
    assert post(world, body(given, before=part("x", bytes(FIELDS_AT_MOST // 2))))[0] == 200


def test_a_form_that_is_cut_off_stores_nothing(world):
    whole = body(fields(world), bytes(MB))
    for size in (10, 300, 2000, MB, len(whole) - 6):
        status, _, _ = post(world, whole[:size])
        assert status == 400
    assert world.names("uploads/") == []
    assert post(world, whole)[0] == 200


def test_a_form_of_no_length_is_not_larger_than_allowed(world):
    status, said, _ = post(world, body(fields(world), bytes(FORM_AT_MOST)), length=False)
    assert status == 400
    assert b"EntityTooLarge" in said


def test_a_file_of_another_name_is_none(world):
    data = body(fields(world)).replace(b'name="file"', b'name="other"')
    status, said, _ = post(world, data)
    assert status == 400
    assert b"file" in said
