"""Signed paths, `/<bucket>/<object>`: what browsers and curl use with a V4 link.

Every call is verified first; afterwards it does what the JSON API would. Source: Cloud Storage XML
API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.storage import buckets, downloads
from lib.emulator.storage.conditions import Conditions
from lib.emulator.storage.errors import StorageError, invalid
from lib.emulator.storage.json_api import incomplete
from lib.emulator.storage.uploads import Session, hash_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.storage.app import Call
    from lib.emulator.storage.faults import Faults
    from lib.emulator.storage.objects import Store
    from lib.emulator.storage.signatures import Verifier
    from lib.emulator.storage.uploads import Uploads

PATH = r"/([^/]+)/(.+)"
SIGNED = frozenset(
    f"X-Goog-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
) | {"GoogleAccessId", "Expires", "Signature", "generation"}
READS = SIGNED | {"response-content-type", "response-content-disposition"}
META = "x-goog-meta-"


class XmlApi:
    """Handlers of signed paths."""

    def __init__(
        self, store: Store, uploads: Uploads, faults: Faults, verifier: Verifier, clock: Clock
    ) -> None:
        self._store, self._uploads, self._faults = store, uploads, faults
        self._verifier, self._clock = verifier, clock

    def routes(self) -> list[tuple[str, str, Callable[..., Response], frozenset[str] | None]]:
        """Method, raw path, handler, known parameters."""
        return [
            ("GET", PATH, self.get, READS),
            ("HEAD", PATH, self.get, READS),
            ("PUT", PATH, self.put, SIGNED | {"upload_id"}),
            ("POST", PATH, self.start, SIGNED),
            ("DELETE", PATH, self.delete, SIGNED | {"upload_id"}),
            ("OPTIONS", PATH, self.preflight, None),
        ]

    def get(self, call: Call, bucket: str, name: str) -> Response:
        """The content, with the type and disposition that the link asks for."""
        self._verify(call)

        def work() -> Response:
            stored = self._store.live(bucket, name, call.generation)
            overrides = {
                header: call.query[parameter]
                for header, parameter in (
                    ("Content-Type", "response-content-type"),
                    ("Content-Disposition", "response-content-disposition"),
                )
                if parameter in call.query
            }
            return downloads.answer(stored, call.wire.headers, call.wire.method, overrides)

        return self._faults.around("GET", name, work)

    def put(self, call: Call, bucket: str, name: str) -> Response:
        """An upload in one request, or a chunk of a resumable one."""
        if "upload_id" in call.query:
            return self._chunk(call)
        self._verify(call)
        content = call.request.get_data()
        fields = _fields(call.wire.headers)
        conditions = Conditions.of_headers(call.wire.headers)

        def work() -> Response:
            stored = self._uploads.whole(bucket, name, content, fields, conditions)
            return Response(status=200, headers=_written(stored))

        return self._faults.around("PUT", name, work)

    def start(self, call: Call, bucket: str, name: str) -> Response:
        """Start a resumable upload (`x-goog-resumable: start`)."""
        self._verify(call)
        if call.wire.headers.get("x-goog-resumable") != "start":
            raise invalid("A POST to an object needs the header x-goog-resumable: start.")
        conditions = Conditions.of_headers(call.wire.headers)
        session = Session(bucket, name, _fields(call.wire.headers), conditions)

        def work() -> Response:
            upload_id = self._uploads.start(session)
            location = f"{call.base}{call.wire.path}?upload_id={upload_id}"
            return Response(status=201, headers={"Location": location})

        return self._faults.around("POST", name, work)

    def _chunk(self, call: Call) -> Response:
        session = self._uploads.session(call.query["upload_id"])
        headers = call.wire.headers
        hashes = hash_header(headers.get("x-goog-hash", ""))

        def work() -> Response:
            data = call.request.get_data()
            stored = self._uploads.send(session, headers.get("content-range"), data, hashes)
            if stored is None:
                return incomplete(session)
            return Response(status=200, headers=_written(stored))

        return self._faults.around("PUT", session.name, work)

    def delete(self, call: Call, bucket: str, name: str) -> Response:
        """Delete an object, or cancel a resumable upload."""
        if "upload_id" in call.query:
            self._uploads.cancel(self._uploads.session(call.query["upload_id"]))
        self._verify(call)
        conditions = Conditions.of_headers(call.wire.headers)

        def work() -> Response:
            self._store.delete(bucket, name, call.generation, conditions)
            return Response(status=204)

        return self._faults.around("DELETE", name, work)

    def preflight(self, call: Call, bucket: str, _name: str) -> Response:
        """A browser's preflight: never needs a signature."""
        headers = call.wire.headers
        wanted = headers.get("access-control-request-method", "")
        asked = headers.get("access-control-request-headers", "")
        home = self._store.buckets.get(bucket)
        granted: Mapping[str, str] = {}
        if home is not None:
            granted = buckets.cors_headers(home, headers.get("origin"), wanted, asked)
        return Response(status=200, headers=dict(granted))

    def _verify(self, call: Call) -> None:
        self._verifier.verify(call.wire, self._clock.now())


def _fields(headers: Mapping[str, str]) -> dict[str, Any]:
    names = {
        "content-type": "contentType",
        "cache-control": "cacheControl",
        "content-disposition": "contentDisposition",
        "content-encoding": "contentEncoding",
        "content-language": "contentLanguage",
    }
    fields: dict[str, Any] = {
        ours: headers[name] for name, ours in names.items() if name in headers
    }
    fields["metadata"] = {
        name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)
    }
    if "content-md5" in headers:
        fields["md5Hash"] = headers["content-md5"]
    for name in ("x-goog-acl", "x-goog-encryption-key"):
        if name in headers:
            raise StorageError(501, "notImplemented", f"{name} is not played.", "NotImplemented")
    return fields | hash_header(headers.get("x-goog-hash", ""))


def _written(stored: Any) -> dict[str, str]:
    return {
        "ETag": f'"{stored.etag}"',
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "X-Goog-Stored-Content-Length": str(stored.size),
    }
