"""The state of every job as objects: `pending/` while it lives, `jobs/` when it ended.

Each method is one conditional step of the protocol and says who won; which step comes next is the
flows' business. A write whose answer was lost is recognised by its token (`by`), never by hope.
Each object is read alone: what cannot be read is told apart, never written and never deleted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.state.inbox import Held, Inbox, Unreadable, checked, read_held, read_intent
from lib.core.ids import job_of
from lib.core.jobs.job import Intent, Job, State, Verdict, check_ending
from lib.core.outside.records import SCHEMA, Fields, NotReadable, RecordUnreadable, record
from lib.core.webhooks import read_log, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lib.adapters.bucket.client import Bucket, Meta
    from lib.core.webhooks import Try

__all__ = ["DELETED", "Held", "Inbox", "Jobs", "Tombstone", "Unreadable"]

JSON = "application/json"
DELETED = "deleted"
WEBHOOK = "webhook"


class Tombstone(Exception):  # noqa: N818 - an event that callers act on
    """The job was deleted by its owner."""


class Jobs:
    """The bucket state.

    Args:
        bucket: where it lies.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    # pending/

    def create(self, intent: Intent, state: State) -> Held | None:
        """Write the intent with its first state, once; None when the job already exists.

        Raises:
            ApiError: the bucket does not answer; whether the object exists is then unknown.
        """
        name = _pending(intent.owner, intent.id)
        try:
            card = {**state.to_metadata(), "tariff": _tariff(intent), "schema": str(SCHEMA)}
            body = _dump({"schema": SCHEMA, **intent.to_json()})
            meta = self._bucket.create(name, body, JSON, card)
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
            return self._ours(held.meta.name, state)
        except Missing:
            return None
        return replace(held, state=state, meta=meta)

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
        return True

    # jobs/

    def finish(self, intent: Intent, stage_from: State, verdict: Verdict) -> Verdict:
        """Write the verdict once; the stored one wins.

        Returns:
            The verdict that stands: ours, or the one that was there first.

        Raises:
            Tombstone: the owner deleted the job meanwhile.
            RecordUnreadable: there is a verdict that this revision cannot read; it stays.
            IllegalTransition: this stage cannot end so.
            ApiError: the bucket does not answer.
        """
        check_ending(stage_from.stage, verdict.status)
        body = {"schema": SCHEMA, "intent": intent.to_json(), "verdict": verdict.to_json()}
        try:
            card = {
                "status": str(verdict.status),
                "tariff": _tariff(intent),
                "accepted": repr(intent.created_at),
                "paid": str(verdict.paid),
                "schema": str(SCHEMA),
            }
            self._bucket.create(_finished(intent.owner, intent.id), _dump(body), JSON, card)
        except Conflict:
            stored = self.finished(intent.owner, intent.id)
            return stored.verdict if stored and stored.verdict else verdict
        return verdict

    def finished(self, owner: str, job_id: str) -> Job | None:
        """The finished job, None when there is no verdict.

        Raises:
            Tombstone: the owner deleted it.
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        name = _finished(owner, job_id)
        body = self._bucket.read(name)
        if body is None:
            return None
        try:
            read = Fields(record(body), "the record")
            if read.flag("deleted", default=False):
                raise Tombstone(job_id)
            intent = checked(Intent.from_json(read.table("intent")), owner, job_id)
            return Job(intent, verdict=Verdict.from_json(read.table("verdict")))
        except NotReadable as why:
            raise RecordUnreadable(name, str(why)) from None

    def bury(self, owner: str, job_id: str, now: float) -> None:
        """Put a tombstone in the place of a finished job; nothing happens where there is none.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = _finished(owner, job_id)
        while (meta := self._bucket.stat(name)) and meta.metadata.get("status") != DELETED:
            body = _dump({"schema": SCHEMA, "deleted": True, "id": job_id, "at": now})
            # What it cost stays: an owner's limits count deleted jobs, too.
            card = {**meta.metadata, "status": DELETED}
            card.pop(WEBHOOK, None)
            # A conflict is our own lost answer, or another DELETE: either way a tombstone stands.
            with suppress(Conflict):
                self._bucket.create(name, body, JSON, card, generation=meta.generation)

    def webhook_log(self, owner: str, job_id: str) -> tuple[Try, ...]:
        """The tries of a webhook whose delivery is over; empty while it is not.

        Raises:
            RecordUnreadable: this revision cannot read them.
            ApiError: the bucket does not answer.
        """
        meta = self._bucket.stat(_finished(owner, job_id))
        return _log(meta) if meta else ()

    def settle_webhook(self, owner: str, job_id: str, log: Sequence[Try]) -> None:
        """Keep the tries of a webhook whose delivery is over; a later log is never overwritten.

        Nothing happens where the owner deleted the job.

        Raises:
            RecordUnreadable: this revision cannot read the log that is there.
            ApiError: the bucket does not answer.
        """
        name = _finished(owner, job_id)
        while (meta := self._bucket.stat(name)) and meta.metadata.get("status") != DELETED:
            stored = _log(meta)
            if stored and stored[-1].number >= log[-1].number:
                return
            with suppress(Conflict, Missing):
                self._bucket.patch(meta, {WEBHOOK: write_log(log)})
                return

    def endings(self, owner: str, start_id: str = "") -> Iterator[tuple[str, str]]:
        """Ids of finished jobs, newest first, with their status (`deleted` for a tombstone).

        Args:
            owner: whose.
            start_id: the first id that may come.

        Raises:
            ApiError: the bucket does not answer.
        """
        for job_id, card in self.cards(owner, start_id):
            yield job_id, card.get("status", "")

    def cards(self, owner: str, start_id: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
        """Ids of finished jobs, newest first, with what stands in their metadata, whatever it is.

        That is `status`, `tariff` (`region/model/resolution`), `accepted` (Unix seconds) and `paid`
        (`True`, `False`, or `None` when nobody can know); older records lack all but the first.

        Args:
            owner: whose.
            start_id: the first id that may come.

        Raises:
            ApiError: the bucket does not answer.
        """
        prefix = f"jobs/{owner}/"
        for meta in self._bucket.objects(prefix, prefix + start_id):
            if named := job_of(meta.name, "jobs"):
                yield named[1], meta.metadata

    def find(self, owner: str, job_id: str) -> Job | None:
        """The job as a reader sees it; None when the owner has none of that id.

        `pending/` is read before `jobs/`, and `jobs/` wins: the other order would lose a job for
        the moment in which it moves.

        Raises:
            Tombstone: the owner deleted it.
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        name = _pending(owner, job_id)
        meta = self._bucket.stat(name)
        body = self._bucket.read(name) if meta else None
        finished = self.finished(owner, job_id)
        if finished or meta is None or body is None:
            # A job that moved between our two reads of pending/ is in jobs/ by now.
            return finished
        held = read_held(meta)
        if isinstance(held, Unreadable):
            raise RecordUnreadable(name, held.why)
        return Job(read_intent(name, body), held.state)


def _tariff(intent: Intent) -> str:
    return f"{intent.region}/{intent.request.model}/{intent.request.resolution}"


def _pending(owner: str, job_id: str) -> str:
    return f"pending/{owner}/{job_id}.json"


def _finished(owner: str, job_id: str) -> str:
    return f"jobs/{owner}/{job_id}.json"


def _log(meta: Meta) -> tuple[Try, ...]:
    try:
        return read_log(meta.metadata.get(WEBHOOK))
    except NotReadable as why:
        raise RecordUnreadable(meta.name, str(why)) from None


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
