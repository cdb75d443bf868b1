"""The JSON API of buckets. Source: JSON API reference, "Buckets".

Anonymous callers and any bearer token are let in: identities are not implemented, signatures are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from lib.emulator.storage import listing
from lib.emulator.storage.model import buckets
from lib.emulator.storage.model.conditions import Conditions
from lib.emulator.storage.resources import bucket_json
from lib.emulator.storage.routing import BUCKET, StorageRoute

if TYPE_CHECKING:
    from lib.emulator.clock import Clock
    from lib.emulator.storage.model.store import Store
    from lib.emulator.storage.routing import Call

GUARDS = frozenset({"ifMetagenerationMatch", "ifMetagenerationNotMatch", "fields", "projection"})
MAKES = frozenset({"project", "fields", "projection"})
PAGES = MAKES | {"prefix", "maxResults", "pageToken"}


class JsonBuckets:
    """Handlers of bucket calls."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def routes(self) -> list[StorageRoute]:
        """What is implemented of `Buckets`."""
        return [
            StorageRoute("buckets.list", "GET", r"/storage/v1/b", self.list, PAGES),
            StorageRoute("buckets.insert", "POST", r"/storage/v1/b", self.insert, MAKES),
            StorageRoute("buckets.get", "GET", BUCKET, self.get, GUARDS),
            StorageRoute("buckets.patch", "PATCH", BUCKET, self.patch, GUARDS),
            StorageRoute("buckets.update", "PUT", BUCKET, self.update, GUARDS),
            StorageRoute("buckets.delete", "DELETE", BUCKET, self.delete, GUARDS),
        ]

    def list(self, call: Call) -> Response:
        """`Buckets: list`."""
        with self._store.lock:
            page = listing.page(self._store.buckets, call.query)
            items = [bucket_json(bucket, call.base) for bucket in page.items]
        answer: dict[str, object] = {"kind": "storage#buckets"}
        answer |= {"items": items} if items else {}
        answer |= {"nextPageToken": page.token} if page.token else {}
        return call.answer(answer)

    def insert(self, call: Call) -> Response:
        """`Buckets: insert`."""
        made = buckets.create(self._store, call.json(), self._clock.now())
        return call.answer(bucket_json(made, call.base))

    def get(self, call: Call, name: str) -> Response:
        """`Buckets: get`."""
        with self._store.lock:
            bucket = self._store.bucket(name)
            Conditions.of_query(call.query).check(bucket, reading=True)
            return call.answer(bucket_json(bucket, call.base))

    def patch(self, call: Call, name: str) -> Response:
        """`Buckets: patch`: merges, null removes."""
        wanted = Conditions.of_query(call.query)
        bucket = buckets.patch(self._store, name, wanted, call.json(), self._clock.now())
        return call.answer(bucket_json(bucket, call.base))

    def update(self, call: Call, name: str) -> Response:
        """`Buckets: update`: replaces."""
        wanted = Conditions.of_query(call.query)
        bucket = buckets.update(self._store, name, wanted, call.json(), self._clock.now())
        return call.answer(bucket_json(bucket, call.base))

    def delete(self, call: Call, name: str) -> Response:
        """`Buckets: delete`."""
        buckets.delete(self._store, name, Conditions.of_query(call.query))
        return Response(status=204)
