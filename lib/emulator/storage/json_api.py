"""The JSON API: buckets and objects under `/storage/v1`, uploads and downloads beside it.

Source: Cloud Storage JSON API reference. Anonymous and any bearer token are let in: identities are
not played, signatures are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.storage import buckets, downloads, listing
from lib.emulator.storage.conditions import NAMES, Conditions
from lib.emulator.storage.errors import invalid, not_played
from lib.emulator.storage.objects import WRITABLE
from lib.emulator.storage.resources import bucket_json, object_json, project
from lib.emulator.storage.uploads import Session, hash_header, parse_multipart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.clock import Clock
    from lib.emulator.storage.app import Call
    from lib.emulator.storage.faults import Faults
    from lib.emulator.storage.objects import Store, Stored
    from lib.emulator.storage.uploads import Uploads

GUARDS = frozenset(NAMES) | {"generation", "fields"}
LISTS = frozenset(
    {"prefix", "delimiter", "startOffset", "endOffset", "includeTrailingDelimiter", "maxResults"}
) | {"pageToken", "fields", "versions"}
SENDS = GUARDS | {"uploadType", "name", "upload_id", "contentEncoding"}
BUCKET = r"/storage/v1/b/([^/]+)"
OBJECT = BUCKET + r"/o/([^/]+)"
UPLOAD = r"(?:/resumable)?/upload/storage/v1/b/([^/]+)/o"
RESUME_INCOMPLETE = 308


class JsonApi:
    """Handlers of the JSON API."""

    def __init__(self, store: Store, uploads: Uploads, faults: Faults, clock: Clock) -> None:
        self._store, self._uploads, self._faults, self._clock = store, uploads, faults, clock

    def routes(self) -> list[tuple[str, str, Callable[..., Response], frozenset[str] | None]]:
        """Method, raw path, handler, known parameters."""
        make = frozenset({"project", "fields"})
        pages = frozenset({"project", "prefix", "maxResults", "pageToken", "fields"})
        return [
            ("GET", r"/storage/v1/b", self.list_buckets, pages),
            ("POST", r"/storage/v1/b", self.create_bucket, make),
            ("GET", BUCKET, self.get_bucket, GUARDS),
            ("PATCH", BUCKET, self.patch_bucket, GUARDS),
            ("DELETE", BUCKET, self.delete_bucket, GUARDS),
            ("GET", BUCKET + "/o", self.list_objects, LISTS),
            ("GET", OBJECT, self.get_object, GUARDS),
            ("HEAD", OBJECT, self.get_object, GUARDS),
            ("PATCH", OBJECT, self.patch_object, GUARDS),
            ("PUT", OBJECT, self.update_object, GUARDS),
            ("DELETE", OBJECT, self.delete_object, GUARDS),
            ("GET", r"/download" + OBJECT, self.download, GUARDS),
            ("HEAD", r"/download" + OBJECT, self.download, GUARDS),
            ("POST", UPLOAD, self.upload, SENDS),
            ("PUT", UPLOAD, self.resume, SENDS),
            ("DELETE", UPLOAD, self.cancel, SENDS),
        ]

    # Buckets

    def list_buckets(self, call: Call) -> Response:
        """`Buckets: list`."""
        prefix = call.query.get("prefix", "")
        names = sorted(name for name in self._store.buckets if name.startswith(prefix))
        items = [bucket_json(self._store.buckets[name], call.base) for name in names]
        return _json(call, {"kind": "storage#buckets", "items": items})

    def create_bucket(self, call: Call) -> Response:
        """`Buckets: insert`."""
        made = buckets.create(self._store, call.json(), self._clock.now())
        return _json(call, bucket_json(made, call.base))

    def get_bucket(self, call: Call, bucket: str) -> Response:
        """`Buckets: get`."""
        return _json(call, bucket_json(self._store.bucket(bucket), call.base))

    def patch_bucket(self, call: Call, bucket: str) -> Response:
        """`Buckets: patch`."""
        with self._store.lock:
            home = self._store.bucket(bucket)
            wanted = call.query.get("ifMetagenerationMatch")
            if wanted is not None and wanted != str(home.metageneration):
                Conditions({"ifMetagenerationMatch": int(wanted)}).check(None)
            buckets.patch(home, call.json(), self._clock.now())
        return _json(call, bucket_json(home, call.base))

    def delete_bucket(self, _call: Call, bucket: str) -> Response:
        """`Buckets: delete`."""
        buckets.delete(self._store, bucket)
        return Response(status=204)

    # Objects

    def list_objects(self, call: Call, bucket: str) -> Response:
        """`Objects: list`."""
        if call.query.get("versions", "false") != "false":
            raise not_played("versions=true")

        def work() -> Response:
            with self._store.lock:
                objects = list(self._store.bucket(bucket).objects.values())
            page = listing.page(objects, call.query)
            answer: dict[str, Any] = {"kind": "storage#objects"}
            if page.token:
                answer["nextPageToken"] = page.token
            if page.prefixes:
                answer["prefixes"] = page.prefixes
            if page.items:
                answer["items"] = [object_json(stored, call.base) for stored in page.items]
            return _json(call, answer)

        return self._faults.around("LIST", call.query.get("prefix", ""), work)

    def get_object(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: get`, with `alt=media` its content."""
        if call.query.get("alt") == "media":
            return self.download(call, bucket, name)

        def work() -> Response:
            return _json(call, object_json(self._read(call, bucket, name), call.base))

        return self._faults.around("GET", name, work)

    def download(self, call: Call, bucket: str, name: str) -> Response:
        """The content of an object."""

        def work() -> Response:
            stored = self._read(call, bucket, name)
            return downloads.answer(stored, call.wire.headers, call.wire.method, {})

        return self._faults.around("GET", name, work)

    def _read(self, call: Call, bucket: str, name: str) -> Stored:
        with self._store.lock:
            stored = self._store.live(bucket, name, call.generation)
            Conditions.of_query(call.query).check(stored, reading=True)
            return stored

    def patch_object(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: patch`: merges, null removes, `metadata: null` clears."""
        body = call.json()

        def edit(old: Stored) -> tuple[Mapping[str, str], Mapping[str, str]]:
            fields = _merged(old.fields, {key: body[key] for key in WRITABLE if key in body})
            if "metadata" not in body:
                return fields, old.metadata
            changes = body["metadata"]
            return fields, _merged(old.metadata, changes) if changes is not None else {}

        return self._change(call, bucket, name, edit)

    def update_object(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: update`: replaces all writable metadata."""
        body = call.json()
        fields = {key: str(body[key]) for key in WRITABLE if body.get(key) is not None}
        metadata = body.get("metadata") or {}
        return self._change(call, bucket, name, lambda _old: (fields, metadata))

    def _change(self, call: Call, bucket: str, name: str, edit: Callable[..., Any]) -> Response:
        conditions = Conditions.of_query(call.query)

        def work() -> Response:
            stored = self._store.change(bucket, name, call.generation, conditions, edit)
            return _json(call, object_json(stored, call.base))

        return self._faults.around("PATCH", name, work)

    def delete_object(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: delete`."""
        conditions = Conditions.of_query(call.query)

        def work() -> Response:
            self._store.delete(bucket, name, call.generation, conditions)
            return Response(status=204)

        return self._faults.around("DELETE", name, work)

    # Uploads

    def upload(self, call: Call, bucket: str) -> Response:
        """`Objects: insert`: multipart, media, or the start of a resumable upload."""
        kinds = {"multipart": self._multipart, "media": self._media, "resumable": self._start}
        kind = call.query.get("uploadType", "")
        if kind not in kinds:
            raise invalid(f"Invalid uploadType {kind!r}.", "uploadType")
        return kinds[kind](call, bucket)

    def _multipart(self, call: Call, bucket: str) -> Response:
        kind = call.wire.headers.get("content-type", "")
        fields, media_type, content = parse_multipart(kind, call.request.get_data())
        return self._insert(call, bucket, {"contentType": media_type, **fields}, content)

    def _media(self, call: Call, bucket: str) -> Response:
        fields = {"contentType": call.wire.headers.get("content-type")}
        return self._insert(call, bucket, fields, call.request.get_data())

    def _insert(self, call: Call, bucket: str, fields: dict[str, Any], content: bytes) -> Response:
        name = _name(call, fields)
        conditions = Conditions.of_query(call.query)
        fields |= hash_header(call.wire.headers.get("x-goog-hash", ""))

        def work() -> Response:
            stored = self._uploads.whole(bucket, name, content, fields, conditions)
            return _json(call, object_json(stored, call.base))

        return self._faults.around("POST", name, work)

    def _start(self, call: Call, bucket: str) -> Response:
        fields = call.json()
        name = _name(call, fields)
        declared = call.wire.headers.get("x-upload-content-type")
        fields = {"contentType": declared, **fields} if declared else fields
        session = Session(bucket, name, fields, Conditions.of_query(call.query))
        if size := call.wire.headers.get("x-upload-content-length"):
            session.total = int(size)

        def work() -> Response:
            upload_id = self._uploads.start(session)
            path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
            headers = {"Location": call.base + path, "X-GUploader-UploadID": upload_id}
            return Response(status=200, headers=headers)

        return self._faults.around("POST", name, work)

    def resume(self, call: Call, _bucket: str) -> Response:
        """A chunk, or a status query, of a resumable upload."""
        session = self._uploads.session(call.query.get("upload_id", ""))
        headers = call.wire.headers
        hashes = hash_header(headers.get("x-goog-hash", ""))

        def work() -> Response:
            data = call.request.get_data()
            stored = self._uploads.send(session, headers.get("content-range"), data, hashes)
            if stored is None:
                return incomplete(session)
            return _json(call, object_json(stored, call.base))

        return self._faults.around("PUT", session.name, work)

    def cancel(self, call: Call, _bucket: str) -> Response:
        """Give a resumable upload up."""
        self._uploads.cancel(self._uploads.session(call.query.get("upload_id", "")))
        raise AssertionError  # cancel always answers by raising 499


def incomplete(session: Session) -> Response:
    """308 with what has arrived so far."""
    headers = {"Content-Length": "0"}
    if session.data:
        headers["Range"] = f"bytes=0-{len(session.data) - 1}"
    return Response(status=RESUME_INCOMPLETE, headers=headers)


def _merged(old: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def _name(call: Call, fields: Mapping[str, Any]) -> str:
    name = call.query.get("name") or fields.get("name")
    if not isinstance(name, str) or not name:
        raise invalid("An upload needs a name, in the query or in the metadata.", "name")
    return name


def _json(call: Call, resource: Any) -> Response:
    body = json.dumps(project(resource, call.query.get("fields")))
    headers = {"ETag": resource["etag"]} if "etag" in resource else {}
    return Response(body, 200, headers, content_type="application/json; charset=UTF-8")
