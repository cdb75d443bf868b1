"""The JSON API of uploads: multipart, media and resumable.

Source: JSON API reference, "Objects: insert"; Cloud Storage documentation, "Uploads and downloads".
The bytes' way into the store is the same for all three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.numbers import whole
from lib.emulator.storage.errors import invalid, not_implemented
from lib.emulator.storage.model.conditions import NAMES, Conditions, refuse_validators
from lib.emulator.storage.model.metadata import check_known, check_name
from lib.emulator.storage.multipart import check_hashes, hash_header, parse_multipart
from lib.emulator.storage.resources import object_json
from lib.emulator.storage.resumable import incomplete, received
from lib.emulator.storage.routing import StorageRoute
from lib.emulator.storage.uploads import UploadSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lib.emulator.storage.faults import StorageFaults
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.routing import Call
    from lib.emulator.storage.uploads import ResumableUploads

UPLOAD = r"(?:/resumable)?/upload/storage/v1/b/([^/]+)/o"
SENDS = frozenset(NAMES) | {
    "uploadType",
    "name",
    "upload_id",
    "contentEncoding",
    "fields",
    "projection",
}


class JsonUploads:
    """Handlers of uploads."""

    def __init__(self, store: Store, uploads: ResumableUploads, faults: StorageFaults) -> None:
        self._store, self._uploads, self._faults = store, uploads, faults
        self._kinds = {
            "multipart": self._multipart,
            "media": self._media,
            "resumable": self._start,
        }

    def routes(self) -> list[StorageRoute]:
        """What is implemented of `Objects: insert`."""
        return [
            StorageRoute("objects.insert", "POST", UPLOAD, self.insert, SENDS),
            StorageRoute("uploads.send", "PUT", UPLOAD, self.send, SENDS),
            StorageRoute("uploads.cancel", "DELETE", UPLOAD, self.cancel, SENDS),
        ]

    def insert(self, call: Call, bucket: str) -> Response:
        """`Objects: insert`: an upload in one request, or the start of a resumable one."""
        if "upload_id" in call.query:
            return self.send(call, bucket)
        refuse_validators(call.headers)
        for name in call.headers:
            if name.startswith("x-goog-encryption-"):
                raise not_implemented(f"the header {name}")
        kind = call.query.get("uploadType", "")
        if kind not in self._kinds:
            raise invalid(f"Invalid uploadType {kind!r}.", "uploadType")
        return self._kinds[kind](call, bucket)

    def _multipart(self, call: Call, bucket: str) -> Response:
        kind = call.headers.get("content-type", "")
        fields, media_type, data = parse_multipart(kind, call.data())
        return self._whole(call, bucket, {"contentType": media_type, **fields}, data)

    def _media(self, call: Call, bucket: str) -> Response:
        return self._whole(
            call, bucket, {"contentType": call.headers.get("content-type")}, call.data()
        )

    def _whole(self, call: Call, bucket: str, fields: dict[str, Any], data: bytes) -> Response:
        name, fields = _described(call, fields)
        conditions = Conditions.of_query(call.query)
        check_hashes(data, fields)

        def work() -> Response:
            stored = self._store.put(bucket, name, data, fields, conditions)
            return call.answer(object_json(stored, call.base))

        return self._faults.around("POST", name, work)

    def _start(self, call: Call, bucket: str) -> Response:
        declared = call.headers.get("x-upload-content-type")
        name, fields = _described(call, {"contentType": declared, **call.json()})
        session = UploadSession(bucket, name, fields, Conditions.of_query(call.query))
        size = call.headers.get("x-upload-content-length", "")
        session.total = whole(size)

        def work() -> Response:
            upload_id = self._uploads.start(session)
            path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
            headers = {"Location": call.base + path, "X-GUploader-UploadID": upload_id}
            return Response(status=200, headers=headers)

        return self._faults.around("POST", name, work)

    def send(self, call: Call, _bucket: str) -> Response:
        """A chunk, or a status query, of a resumable upload."""
        session = self._uploads.session(call.query.get("upload_id", ""))
        chunk = received(call)

        def work() -> Response:
            stored = self._uploads.send(session, chunk)
            return call.answer(object_json(stored, call.base)) if stored else incomplete(session)

        return self._faults.around("PUT", session.name, work)

    def cancel(self, call: Call, _bucket: str) -> Response:
        """Give a resumable upload up."""
        session = self._uploads.session(call.query.get("upload_id", ""))

        def work() -> Response:
            raise self._uploads.cancel(session)

        return self._faults.around("DELETE", session.name, work)


def _described(call: Call, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    name = call.query.get("name") or fields.get("name")
    if not isinstance(name, str) or not name:
        raise invalid("An upload needs a name, in the query or in the metadata.", "name")
    check_name(name)
    check_known(fields)
    if not isinstance(fields.get("metadata") or {}, dict):
        raise invalid("Invalid value for metadata: an object is expected.", "metadata")
    described = {**fields, **hash_header(call.headers.get("x-goog-hash", ""))}
    if encoding := call.query.get("contentEncoding"):
        described["contentEncoding"] = encoding
    return name, described
