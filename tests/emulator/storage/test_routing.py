"""From a raw request to its handler: names stay names, and what no route knows is 501 by its name."""

import io

import pytest

from lib.emulator.body import Dropped
from lib.emulator.storage.errors import StorageError
from lib.emulator.storage.routing import BUCKET, Call, RouteTable, StorageRoute
from lib.emulator.storage.signatures import RawRequest

TABLE = RouteTable(
    [
        StorageRoute("objects.get", "GET", BUCKET + "/o/([^/]+)", print, frozenset({"fields"})),
        StorageRoute("xml.get", "GET", "/([^/]+)/(.+)", print, None),
    ]
)


def call(path, body=b"", **query):
    return Call(RawRequest("GET", path, "", {}), query, "http://a", io.BytesIO(body))


def test_a_name_may_hold_what_looks_like_a_path():
    route, parts = TABLE.find(
        call("/storage/v1/b/home/o/b%2Fo%2Fx%2Facl", fields="name", alt="media")
    )
    assert (route.name, parts) == ("objects.get", ["home", "b/o/x/acl"])
    assert TABLE.find(call("/home/a/b", anything="x"))[0].name == "xml.get"


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/storage/v1/b/home/o/x", {"userIp": "1", "softDeleted": "true"}, "parameter softDeleted"),
        ("/storage/v1/b/home/o/x", {"alt": "proto"}, "alt=proto"),
        ("/nothing", {}, "endpoint GET /nothing"),
    ],
)
def test_what_no_route_knows_is_named(path, query, says):
    with pytest.raises(StorageError, match=says) as refused:
        TABLE.find(call(path, **query))
    assert refused.value.status == 501


def test_a_body_is_a_json_object_or_refused():
    assert call("/", b'{"a": 1}').json() == {"a": 1}
    assert call("/").json() == {}
    for body in (b"{", b"[]"):
        with pytest.raises(StorageError):
            call("/", body).json()


def test_a_body_that_breaks_off_ends_the_call_with_what_came():
    class Breaking(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(min(size, 2)) or self.gone()

        def gone(self):
            raise OSError("reset")

    broken = Call(RawRequest("PUT", "/", "", {}), {}, "http://a", Breaking(b"abcd"))
    assert broken.received() == (b"abcd", True)
    with pytest.raises(Dropped):
        broken.data()
