"""What we learn about an upstream account and keep with it: how its list names our API keys.

A lost answer can be traced only by who knows which rows are ours; a task of the last day teaches
it, and this object keeps it for the days without any. It holds names and no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.bucket.errors import Conflict, Missing
from lib.core.outside.records import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lib.adapters.bucket.client import Bucket

PREFIX = "accounts/"
IDS_AT_MOST = 8  # names of one key; a service that gave more would not name keys by them
ID_AT_MOST = 100  # characters
SETTLED_AT_MOST = 20_000  # task ids kept in memory for each account: weeks of films


class Accounts:
    """The objects under `accounts/`.

    Args:
        bucket: where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, frozenset[str]] = {}
        self._settled: dict[str, set[str]] = {}

    def key_ids(self, account: str, key: str) -> frozenset[str]:
        """What the upstream calls one of our API keys, as far as its list has ever shown it.

        Args:
            account: whose list.
            key: our own id of the key.

        Raises:
            ApiError: the bucket does not answer.
        """
        place = f"{account} {key}"
        if place not in self._known:
            meta = self._bucket.stat(f"{PREFIX}{account}")
            text = meta.metadata.get(_field(key)) if meta else None
            found = text.split(",") if isinstance(text, str) else []
            # Only what was found is kept: somebody else may learn the first one meanwhile.
            if not found:
                return frozenset()
            self._known[place] = frozenset(found[:IDS_AT_MOST])
        return self._known[place]

    def learn(self, account: str, key: str, ids: frozenset[str]) -> None:
        """Keep what the list has shown; costs nothing when it is known already.

        Args:
            account: whose list.
            key: our own id of the key.
            ids: what the rows of tasks made with it say.

        Raises:
            ApiError: the bucket does not answer; the next list teaches it again.
        """
        new = frozenset(name for name in ids if len(name) <= ID_AT_MOST and "," not in name)
        known = self.key_ids(account, key)
        if new <= known or len(known | new) > IDS_AT_MOST:
            return
        name, text = f"{PREFIX}{account}", ",".join(sorted(known | new))
        try:
            meta = self._bucket.stat(name)
            if meta is None:
                metadata = {_field(key): text, "schema": str(SCHEMA)}
                self._bucket.create(name, b"", "text/plain", metadata)
            else:
                self._bucket.patch(meta, {_field(key): text})
        except (Conflict, Missing):
            return  # somebody wrote at the same moment: the next list looks again
        self._known[f"{account} {key}"] = known | new

    def settled(self, account: str, task_id: str | None) -> bool:
        """Whether this process has seen that a job of ours knows the task."""
        return task_id in self._settled.get(account, ())

    def settle(self, account: str, task_ids: Iterable[str]) -> None:
        """Remember tasks whose jobs are known: claims are never taken back."""
        known = self._settled.setdefault(account, set())
        if len(known) > SETTLED_AT_MOST:
            known.clear()
        known.update(task_ids)


def _field(key: str) -> str:
    return f"key_{key}"
