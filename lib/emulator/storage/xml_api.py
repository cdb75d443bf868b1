"""Signed paths, `/<bucket>/<object>`: what browsers and curl use with a V4 link.

Every call is verified first; afterwards it does what the JSON API would. Bearer tokens do not count
here, and buckets are not listed. Source: Cloud Storage XML API reference.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.numbers import whole
from lib.emulator.storage import downloads
from lib.emulator.storage.errors import StorageError, invalid, not_implemented
from lib.emulator.storage.model.conditions import Conditions, refuse_validators
from lib.emulator.storage.model.metadata import check_name
from lib.emulator.storage.multipart import check_hashes, hash_header
from lib.emulator.storage.resumable import incomplete, received
from lib.emulator.storage.routing import StorageRoute, check_parameters
from lib.emulator.storage.signatures import UNSIGNED_PAYLOAD
from lib.emulator.storage.uploads import UploadSession, check_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.storage.faults import StorageFaults
    from lib.emulator.storage.model.states import Stored
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.routing import Call
    from lib.emulator.storage.signatures import Verifier
    from lib.emulator.storage.uploads import ResumableUploads

# Everything that is not one of the other APIs.
PATH = r"/(?!(?:storage|upload|download|resumable|batch|emulator)/)([^/]+)/(.+)"
V4 = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
SIGNED = (
    frozenset(f"X-Goog-{name}" for name in V4)
    | frozenset(f"x-goog-{name.lower()}" for name in V4)
    | {"GoogleAccessId", "Expires", "Signature", "generation"}
)
OVERRIDES = {
    "response-content-type": "Content-Type",
    "response-content-disposition": "Content-Disposition",
}
READS = SIGNED | frozenset(OVERRIDES)
META = "x-goog-meta-"
FIELDS = {
    "content-type": "contentType",
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "content-md5": "md5Hash",
    "x-goog-storage-class": "storageClass",
    "x-goog-custom-time": "customTime",
}
KNOWN = frozenset(
    [
        "x-goog-hash",
        "x-goog-content-sha256",
        "x-goog-resumable",
        "x-goog-content-length-range",
        "x-goog-date",
        "x-goog-api-client",
        "x-goog-user-project",
        "x-goog-if-generation-match",
        "x-goog-if-metageneration-match",
    ]
) | frozenset(FIELDS)


class XmlApi:
    """Handlers of signed paths."""

    def __init__(
        self,
        store: Store,
        uploads: ResumableUploads,
        faults: StorageFaults,
        verifier: Verifier,
        clock: Clock,
    ) -> None:
        self._store, self._uploads, self._faults = store, uploads, faults
        self._verifier, self._clock = verifier, clock

    def routes(self) -> list[StorageRoute]:
        """What is implemented of the XML API."""
        return [
            StorageRoute("xml.get", "GET", PATH, self.get, None),
            StorageRoute("xml.head", "HEAD", PATH, self.get, None),
            StorageRoute("xml.put", "PUT", PATH, self.put, None),
            StorageRoute("xml.start", "POST", PATH, self.start, None),
            StorageRoute("xml.delete", "DELETE", PATH, self.delete, None),
        ]

    def get(self, call: Call, bucket: str, name: str) -> Response:
        """The content, with the type and disposition that the link asks for."""
        self._verify(call, READS)

        overrides = {
            header: call.query[parameter]
            for parameter, header in OVERRIDES.items()
            if parameter in call.query
        }

        def work() -> Response:
            with self._store.lock:  # until the content is open, nothing may drop it
                stored = self._store.live(bucket, name, call.generation)
                Conditions.of_headers(call.headers).check(stored)
                etag = f'"{stored.content_etag}"'
                return downloads.answer(stored, call.headers, call.raw.method, etag, overrides)

        return self._faults.around("GET", name, work)

    def put(self, call: Call, bucket: str, name: str) -> Response:
        """An upload in one request, or a chunk of a resumable one."""
        if "upload_id" in call.query:
            return self._chunk(call)
        self._verify(call)
        refuse_validators(call.headers)
        fields = _fields(call.headers)
        conditions = Conditions.of_headers(call.headers)
        data = call.data()
        check_size(len(data), _sizes(call.headers))
        check_hashes(data, fields)
        _check_sha256(call.headers, data)

        def work() -> Response:
            return _written(self._store.put(bucket, name, data, fields, conditions))

        return self._faults.around("PUT", name, work)

    def start(self, call: Call, bucket: str, name: str) -> Response:
        """Start a resumable upload (`x-goog-resumable: start`)."""
        self._verify(call)
        if call.headers.get("x-goog-resumable") != "start":
            raise not_implemented("a POST to an object without x-goog-resumable: start")
        check_name(name)
        conditions = Conditions.of_headers(call.headers)
        fields = _fields(call.headers)
        session = UploadSession(bucket, name, fields, conditions, sizes=_sizes(call.headers))

        def work() -> Response:
            upload_id = self._uploads.start(session)
            location = f"{call.base}{call.raw.path}?upload_id={upload_id}"
            headers = {"Location": location, "X-GUploader-UploadID": upload_id}
            return Response(status=201, headers=headers)

        return self._faults.around("POST", name, work)

    def _chunk(self, call: Call) -> Response:
        session = self._uploads.session(call.query["upload_id"])
        chunk = received(call)

        def work() -> Response:
            stored = self._uploads.send(session, chunk)
            return _written(stored) if stored else incomplete(session)

        return self._faults.around("PUT", session.name, work)

    def delete(self, call: Call, bucket: str, name: str) -> Response:
        """Delete an object, or cancel a resumable upload."""
        if "upload_id" in call.query:
            raise self._uploads.cancel(self._uploads.session(call.query["upload_id"]))
        self._verify(call)
        conditions = Conditions.of_headers(call.headers)

        def work() -> Response:
            self._store.delete(bucket, name, call.generation, conditions)
            return Response(status=204)

        return self._faults.around("DELETE", name, work)

    def _verify(self, call: Call, known: frozenset[str] = SIGNED) -> None:
        self._verifier.verify(call.raw, self._clock.now())
        check_parameters(f"a signed {call.raw.method}", known, call)
        for name in call.headers:
            if name.startswith("x-goog-") and not name.startswith(META) and name not in KNOWN:
                raise not_implemented(f"the header {name}")


def _fields(headers: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        ours: _text(headers[name]) for name, ours in FIELDS.items() if headers.get(name)
    }
    fields["metadata"] = {
        name.removeprefix(META): _text(value)
        for name, value in headers.items()
        if name.startswith(META)
    }
    return fields | hash_header(headers.get("x-goog-hash", ""))


def _text(value: str) -> str:
    # WSGI hands header bytes over as Latin-1 text (PEP 3333); the service reads them as UTF-8.
    return value.encode("latin-1").decode("utf-8", "replace")


def _sizes(headers: Mapping[str, str]) -> tuple[int, int] | None:
    text = headers.get("x-goog-content-length-range")
    if text is None:
        return None
    low, _, high = text.partition(",")
    least, most = whole(low.strip()), whole(high.strip())
    if least is None or most is None:
        raise invalid(f"Malformed x-goog-content-length-range: {text!r}.")
    return least, most


def _check_sha256(headers: Mapping[str, str], data: bytes) -> None:
    declared = headers.get("x-goog-content-sha256", UNSIGNED_PAYLOAD)
    if declared not in {UNSIGNED_PAYLOAD, hashlib.sha256(data).hexdigest()}:
        message = "The content differs from the signed x-goog-content-sha256."
        raise StorageError(400, "invalid", message, "BadDigest")


def _written(stored: Stored) -> Response:
    headers = {
        "ETag": f'"{stored.content_etag}"',
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "X-Goog-Stored-Content-Encoding": stored.fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(stored.size),
    }
    return Response(status=200, headers=headers)
