"""The small objects that keep money safe: claims and gates, and the keys of `keys`.

A claim binds an upstream task to one job, a gate shares the rate limit of an account. Each method
is one conditional step and says who won. A gate limits rate only, so that one that cannot be read
is as if new.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.state.gates import Cursor, Gate, PollLease
from lib.adapters.state.keys import KeyEntry, Keys
from lib.core.outside.records import SCHEMA
from lib.core.protocol.evidence import DISPUTED, Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta

__all__ = ["Cursor", "Gate", "KeyEntry", "Ledger", "PollLease"]

CURSOR = "gates/tick.cursor"  # no account's name holds a full stop


class Ledger(Keys):
    """Keys, claims and gates.

    Args:
        bucket: where they lie.
        now: Unix seconds.
    """

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        super().__init__(bucket)
        self._now = now

    # claims/

    def claim(self, account: str, task_id: str, job_id: str, key: str = "") -> str:
        """Say once and for all whose task this is.

        Args:
            account: whose list shows it.
            task_id: the upstream task.
            job_id: our job, or `DISPUTED`.
            key: the id of the API key that made it; empty when nobody knows.

        Returns:
            The id in the claim that stands, or `DISPUTED`; ours when we won.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = f"claims/{account}/{task_id}"
        try:
            metadata = {"job": job_id, "key": key, "schema": str(SCHEMA)}
            self._bucket.create(name, job_id.encode(), "text/plain", metadata)
        except Conflict:
            stored = self._bucket.stat(name)
            return _claim(stored).job if stored else DISPUTED
        return job_id

    def dispute(self, account: str, task_id: str) -> str:
        """Say that a task can be nobody's; returns the id in the claim that stands."""
        return self.claim(account, task_id, DISPUTED)

    def claims(self, account: str) -> dict[str, Claim]:
        """Task id to its claim, of all claims of an account: one list.

        Raises:
            ApiError: the bucket does not answer.
        """
        prefix = f"claims/{account}/"
        return {
            meta.name.removeprefix(prefix): _claim(meta) for meta in self._bucket.objects(prefix)
        }

    def check(self) -> None:
        """Whether the bucket answers: one list.

        Raises:
            ApiError: it does not.
        """
        for _ in self._bucket.objects("gates/"):
            return

    # gates/

    def gate(self, account: str) -> Gate:
        """The account's gate as it is now.

        Raises:
            ApiError: the bucket does not answer.
        """
        return Gate.read(account, self._bucket.stat(f"gates/{account}"), self._now())

    def move_gate(self, gate: Gate, by: str, **changes: Any) -> Gate | None:
        """Change the gate if nobody has since; None when somebody has.

        Args:
            gate: as read before.
            by: a fresh token, to know our own write again.
            changes: `next_send` (minutes ahead at most, whoever asks for more), `free`, `cursor`,
                `consecutive_refusals`.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(gate, **changes).capped(self._now())
        meta = self._move(f"gates/{gate.account}", gate.meta, wanted.values(by))
        return replace(wanted, meta=meta) if meta else None

    def poll_lease(self, account: str) -> PollLease:
        """Who polls the account as it is now.

        Raises:
            ApiError: the bucket does not answer.
        """
        return PollLease.read(account, self._bucket.stat(f"gates/{account}.watch"), self._now())

    def move_poll_lease(self, lease: PollLease, by: str, **changes: Any) -> PollLease | None:
        """Take, renew or give back the lease if nobody has since; None when somebody has.

        Args:
            lease: as read before.
            by: a fresh token, to know our own write again.
            changes: `until`, `next_list`; never further ahead than a tick or a pause may be.

        Raises:
            ApiError: the bucket does not answer.
        """
        wanted = replace(lease, **changes).capped(self._now())
        meta = self._move(f"gates/{lease.account}.watch", lease.meta, wanted.values(by))
        return replace(wanted, meta=meta) if meta else None

    def cursor(self) -> Cursor:
        """Where the last tick that was cut short stopped.

        Raises:
            ApiError: the bucket does not answer.
        """
        return Cursor.read(self._bucket.stat(CURSOR), self._now())

    def keep_cursor(self, cursor: Cursor, places: Mapping[str, str]) -> None:
        """Say where a tick stopped, unless somebody else has said so since.

        Args:
            cursor: as read before.
            places: as in `Cursor`.

        Raises:
            ApiError: the bucket does not answer.
        """
        self._move(CURSOR, cursor.meta, Cursor(None, self._now(), places).values())

    def _move(self, name: str, meta: Meta | None, values: Mapping[str, str]) -> Meta | None:
        try:
            if meta is None:
                metadata = {**values, "schema": str(SCHEMA)}
                return self._bucket.create(name, b"", "text/plain", metadata)
            return self._bucket.patch(meta, values)
        except Conflict:
            stored = self._bucket.stat(name)
            return stored if stored and stored.metadata.get("by") == values["by"] else None
        except Missing:
            return None


def _claim(meta: Meta) -> Claim:
    """Whose a task is; one that nobody can read is disputed: nobody may have it."""
    job, key = meta.metadata.get("job"), meta.metadata.get("key")
    whose = job if isinstance(job, str) and job else DISPUTED
    return Claim(whose, key if isinstance(key, str) else "")
