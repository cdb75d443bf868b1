"""The state of every job as objects: `pending/` while it lives, `jobs/` when it ended (`finished`).

Each method is one conditional step of the protocol and says who won; which step comes next is the
flows' business. A write whose answer was lost is recognised by its token (`by`), never by hope.
Each object is read alone: what cannot be read is told apart, never written and never deleted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.state.finished import DELETED, JSON, FinishedJobs, Tombstone, dump, tariff
from lib.adapters.state.inbox import Held, Inbox, Unreadable, read_held, read_intent
from lib.core.jobs.job import Intent, Job, State
from lib.core.outside.records import SCHEMA, RecordUnreadable
from lib.core.together import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta
    from lib.core.together import Together

    OnWrite = Callable[[str, Held | None], None]

__all__ = ["DELETED", "Held", "Inbox", "Jobs", "Tombstone", "Unreadable"]


class Jobs(FinishedJobs):
    """Every job, live or finished.

    Args:
        bucket: where they lie.
        together: runs calls to the bucket that may be made at once.
        on_write: called after each change of a pending object that took effect, with its name and
            the object as it is now, None when it was deleted.
    """

    def __init__(
        self, bucket: Bucket, together: Together = in_turn, on_write: OnWrite | None = None
    ) -> None:
        super().__init__(bucket)
        self._together, self._on_write = together, on_write

    def followed(self, on_write: OnWrite) -> Jobs:
        """The same bucket state for a caller that keeps in memory what it writes."""
        return Jobs(self._bucket, self._together, on_write)

    def create(self, intent: Intent, state: State) -> Held | None:
        """Write the intent with its first state, once; None when the job already exists.

        Raises:
            ApiError: the bucket does not answer; whether the object exists is then unknown.
        """
        name = _pending(intent.owner, intent.id)
        try:
            metadata = {**state.to_metadata(), "tariff": tariff(intent), "schema": str(SCHEMA)}
            body = dump({"schema": SCHEMA, **intent.to_json()})
            meta = self._bucket.create(name, body, JSON, metadata)
        except Conflict:
            return self._ours(name, state)
        return Held(intent.owner, intent.id, state, meta)

    def patch(self, held: Held, state: State) -> Held | None:
        """Change the state if nobody else has since `held`; None when somebody has.

        Raises:
            ApiError: the bucket does not answer; whether the change took effect is then unknown.
        """
        try:
            meta = self._bucket.patch(held.meta, state.to_metadata())
        except Conflict:
            changed = self._ours(held.meta.name, state)
        except Missing:
            return None
        else:
            changed = replace(held, state=state, meta=meta)
        if changed and self._on_write:
            self._on_write(held.name, changed)
        return changed

    def _ours(self, name: str, state: State) -> Held | None:
        meta = self._bucket.stat(name)
        # An equal state is our own write, or another of the very same step, which is as good.
        found = read_held(meta) if meta else None
        return found if isinstance(found, Held) and found.state == state else None

    def inbox(self, prefix: str = "") -> Inbox:
        """Whatever lies under `pending/`, or under one owner's part of it, each read alone.

        Raises:
            ApiError: the bucket does not answer.
        """
        found = [read_held(meta) for meta in self._bucket.objects(f"pending/{prefix}")]
        return Inbox(
            tuple(one for one in found if isinstance(one, Held)),
            tuple(one for one in found if isinstance(one, Unreadable)),
        )

    def pending(self, prefix: str = "") -> list[Held]:
        """Every live job that can be read, or those of one owner, newest first within an owner.

        Raises:
            ApiError: the bucket does not answer.
        """
        return list(self.inbox(prefix).jobs)

    def live(self, owner: str, job_id: str) -> Held | None:
        """The pending object of a job; None when it is not pending.

        Raises:
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        return self._held(_pending(owner, job_id))

    def reread(self, held: Held) -> Held | None:
        """The same job as it is now; None when it is no longer pending.

        Raises:
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        return self._held(held.name)

    def _held(self, name: str) -> Held | None:
        meta = self._bucket.stat(name)
        found = read_held(meta) if meta else None
        if isinstance(found, Unreadable):
            raise RecordUnreadable(name, found.why)
        return found

    def intent(self, held: Held) -> Intent | None:
        """The body of a pending object; None when it is gone.

        Raises:
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        body = self._bucket.read(held.name)
        return None if body is None else read_intent(held.name, body)

    def drop(self, held: Held) -> bool:
        """Delete the pending object as this process last wrote it.

        Returns:
            False when it changed since: whoever changed it now holds it and will finish it.
        """
        try:
            self._bucket.delete(held.meta.name, held.meta.generation, held.meta.metageneration)
        except Conflict:
            return False
        if self._on_write:
            self._on_write(held.name, None)
        return True

    def find(self, owner: str, job_id: str) -> Job | None:
        """The job as a reader sees it; None when the owner has none of that id.

        `pending/` and `jobs/` are read at once, and `jobs/` wins. A job that is in neither may have
        moved between the two reads, and is then in `jobs/`: that is read once more.

        Raises:
            Tombstone: the owner deleted it.
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        name = _pending(owner, job_id)
        calls = (
            partial(self.finished, owner, job_id),
            partial(self._bucket.stat, name),
            partial(self._bucket.read, name),
        )
        read: list[Any] = self._together(calls)
        finished: Job | None = read[0]
        meta: Meta | None = read[1]
        body: bytes | None = read[2]
        if finished:
            return finished
        if meta is None or body is None:
            return self.finished(owner, job_id)
        held = read_held(meta)
        if isinstance(held, Unreadable):
            raise RecordUnreadable(name, held.why)
        return Job(read_intent(name, body), held.state)

    def listed(self, held: Held) -> Job | None:
        """A live job as a list showed it, or as it ended since; None when it is gone.

        Raises:
            Tombstone: the owner deleted it.
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        intent = self.intent(held)
        return Job(intent, held.state) if intent else self.finished(held.owner, held.id)


def _pending(owner: str, job_id: str) -> str:
    return f"pending/{owner}/{job_id}.json"
