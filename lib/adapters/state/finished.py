"""What ended, as objects under `jobs/`: the verdict, then a tombstone where its owner deleted it.

A verdict is written once and never changed. Each method is one conditional step; what this revision
cannot read is told apart, never written and never deleted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lib.adapters.bucket.errors import Conflict, Missing
from lib.adapters.state.inbox import checked
from lib.core.ids import job_of
from lib.core.jobs.job import Intent, Job, State, Verdict, check_ending
from lib.core.outside.records import SCHEMA, Fields, NotReadable, RecordUnreadable, record
from lib.core.webhooks import read_log, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta
    from lib.core.webhooks import Try

JSON = "application/json"
DELETED = "deleted"
WEBHOOK = "webhook"


class Tombstone(Exception):
    """The job was deleted by its owner."""


class FinishedJobs:
    """The objects under `jobs/`.

    Args:
        bucket: where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

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
            metadata = {
                "status": str(verdict.status),
                "tariff": tariff(intent),
                "accepted": repr(intent.created_at),
                "paid": str(verdict.paid),
                "schema": str(SCHEMA),
            }
            self._bucket.create(_finished(intent.owner, intent.id), dump(body), JSON, metadata)
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

    def purge(self, owner: str, job_id: str, now: float) -> None:
        """Put a tombstone in the place of a finished job; nothing happens where there is none.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = _finished(owner, job_id)
        while (meta := self._bucket.stat(name)) and meta.metadata.get("status") != DELETED:
            body = dump({"schema": SCHEMA, "deleted": True, "id": job_id, "at": now})
            # What it cost stays: an owner's limits count deleted jobs, too.
            metadata = {**meta.metadata, "status": DELETED}
            metadata.pop(WEBHOOK, None)
            # A conflict is our own lost answer, or another DELETE: either way a tombstone stands.
            with suppress(Conflict):
                self._bucket.create(name, body, JSON, metadata, generation=meta.generation)

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
        for job_id, metadata in self.cards(owner, start_id):
            yield job_id, metadata.get("status", "")

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


def _finished(owner: str, job_id: str) -> str:
    return f"jobs/{owner}/{job_id}.json"


def _log(meta: Meta) -> tuple[Try, ...]:
    try:
        return read_log(meta.metadata.get(WEBHOOK))
    except NotReadable as why:
        raise RecordUnreadable(meta.name, str(why)) from None


def tariff(intent: Intent) -> str:
    """What a job is charged by: region, model and resolution."""
    return f"{intent.region}/{intent.request.model}/{intent.request.resolution}"


def dump(data: Mapping[str, Any]) -> bytes:
    """A record as it is stored."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
