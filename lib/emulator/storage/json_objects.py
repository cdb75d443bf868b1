"""The JSON API of objects: listing, metadata, content, deletion.

Source: JSON API reference, "Objects". Anonymous callers and any bearer token are let in: identities
are not implemented, signatures are. Uploads have handlers of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from lib.emulator.storage import downloads, listing
from lib.emulator.storage.errors import invalid, not_implemented
from lib.emulator.storage.model.conditions import (
    NAMES,
    Conditions,
    check_validators,
    refuse_validators,
)
from lib.emulator.storage.model.metadata import WRITABLE, check_known
from lib.emulator.storage.resources import object_json
from lib.emulator.storage.routing import BUCKET, StorageRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.emulator.storage.faults import StorageFaults
    from lib.emulator.storage.model.states import Stored
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.routing import Call

    Edit = Callable[[Stored], tuple[Mapping[str, Any], Mapping[str, Any]]]

OBJECT = BUCKET + r"/o/([^/]+)"
GUARDS = frozenset(NAMES) | {"generation", "fields", "projection"}
LISTS = frozenset(
    [
        "prefix",
        "delimiter",
        "startOffset",
        "endOffset",
        "includeTrailingDelimiter",
        "maxResults",
        "pageToken",
        "fields",
        "projection",
        "versions",
        "softDeleted",
    ]
)


class JsonObjects:
    """Handlers of object calls."""

    def __init__(self, store: Store, faults: StorageFaults) -> None:
        self._store, self._faults = store, faults

    def routes(self) -> list[StorageRoute]:
        """What is implemented of `Objects`, without `insert`."""
        return [
            StorageRoute("objects.list", "GET", BUCKET + "/o", self.list, LISTS),
            StorageRoute("objects.get", "GET", OBJECT, self.get, GUARDS),
            StorageRoute("objects.get", "HEAD", OBJECT, self.get, GUARDS),
            StorageRoute("objects.patch", "PATCH", OBJECT, self.patch, GUARDS),
            StorageRoute("objects.update", "PUT", OBJECT, self.update, GUARDS),
            StorageRoute("objects.delete", "DELETE", OBJECT, self.delete, GUARDS),
            StorageRoute("objects.get", "GET", "/download" + OBJECT, self.media, GUARDS),
            StorageRoute("objects.get", "HEAD", "/download" + OBJECT, self.media, GUARDS),
        ]

    def list(self, call: Call, bucket: str) -> Response:
        """`Objects: list`."""
        for name in ("versions", "softDeleted"):
            if call.query.get(name, "false") != "false":
                raise not_implemented(f"{name}={call.query[name]}")

        def work() -> Response:
            with self._store.lock:
                page = listing.page(self._store.bucket(bucket).objects, call.query)
            answer: dict[str, Any] = {"kind": "storage#objects"}
            if page.token:
                answer["nextPageToken"] = page.token
            if page.prefixes:
                answer["prefixes"] = page.prefixes
            if page.items:
                answer["items"] = [object_json(stored, call.base) for stored in page.items]
            return call.answer(answer)

        return self._faults.around("LIST", call.query.get("prefix", ""), work)

    def get(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: get`; with `alt=media` its content."""
        if call.query.get("alt") == "media":
            return self.media(call, bucket, name)

        def work() -> Response:
            stored = self._read(call, bucket, name)
            check_validators(stored, call.headers, {"ETag": stored.etag})
            return call.answer(object_json(stored, call.base))

        return self._faults.around("GET", name, work)

    def media(self, call: Call, bucket: str, name: str) -> Response:
        """The content of an object."""

        def work() -> Response:
            with self._store.lock:  # until the content is open, nothing may drop it
                stored = self._read(call, bucket, name)
                return downloads.answer(stored, call.headers, call.raw.method, stored.etag)

        return self._faults.around("GET", name, work)

    def _read(self, call: Call, bucket: str, name: str) -> Stored:
        _no_own_keys(call)
        with self._store.lock:
            stored = self._store.live(bucket, name, call.generation)
            Conditions.of_query(call.query).check(stored, reading=True)
            return stored

    def patch(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: patch`: merges, null removes, `metadata: null` clears."""
        body = _body(call)

        def edit(old: Stored) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
            fields = {**old.fields, **{key: body[key] for key in WRITABLE if key in body}}
            changes = body.get("metadata", {})
            return fields, {**old.metadata, **changes} if changes is not None else {}

        return self._change(call, bucket, name, edit)

    def update(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: update`: replaces all writable metadata, except the storage class."""
        body = _body(call)

        def edit(old: Stored) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
            return {"storageClass": old.fields["storageClass"], **body}, body.get("metadata") or {}

        return self._change(call, bucket, name, edit)

    def _change(self, call: Call, bucket: str, name: str, edit: Edit) -> Response:
        refuse_validators(call.headers)
        conditions = Conditions.of_query(call.query)

        def work() -> Response:
            stored = self._store.change(bucket, name, call.generation, conditions, edit)
            return call.answer(object_json(stored, call.base))

        return self._faults.around(call.raw.method, name, work)

    def delete(self, call: Call, bucket: str, name: str) -> Response:
        """`Objects: delete`."""
        refuse_validators(call.headers)
        conditions = Conditions.of_query(call.query)

        def work() -> Response:
            self._store.delete(bucket, name, call.generation, conditions)
            return Response(status=204)

        return self._faults.around("DELETE", name, work)


def _no_own_keys(call: Call) -> None:
    for name in call.headers:
        if name.startswith("x-goog-encryption-"):
            raise not_implemented(f"the header {name}")


def _body(call: Call) -> dict[str, Any]:
    body = call.json()
    check_known(body)
    if not isinstance(body.get("metadata") or {}, dict):
        raise invalid("Invalid value for metadata: an object is expected.", "metadata")
    return body
