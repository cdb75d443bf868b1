"""Webhooks that are not delivered yet: one small object each, with its state in its metadata.

Each method is one conditional step and says who won. Which step comes next, and what a try means,
is the business of the flow. Neither the address nor the payload lies here: both stand in the
finished job, so nothing can be delivered that its owner has deleted. Each entry is read alone: what
cannot be read is told apart and left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib.adapters.bucket.errors import Conflict, Missing
from lib.core.ids import job_of
from lib.core.outside.records import SCHEMA, SHORT_AT_MOST, Fields, NotReadable, RecordUnreadable
from lib.core.webhooks import read_log, write_log

if TYPE_CHECKING:
    from lib.adapters.bucket.client import Bucket
    from lib.adapters.bucket.metadata import Meta
    from lib.core.webhooks import Try

PREFIX = "outbox/"


@dataclass(frozen=True)
class Entry:
    """A webhook on its way.

    Attributes:
        owner: whose.
        id: of the job.
        meta: the object's versions; None before it is written.
        by: a fresh token of every write, to know our own again.
        host: stands for the receiver's host, so that one that hangs does not hold up the others.
        base: how many tries earlier rounds made; a redelivery begins a round.
        next_at: when the next try is due, Unix seconds.
        until: when the lease of the try under way ends, Unix seconds.
        log: the last tries.
    """

    owner: str
    id: str
    meta: Meta | None
    by: str
    host: str
    next_at: float
    base: int = 0
    until: float = 0.0
    log: tuple[Try, ...] = ()

    @property
    def tries(self) -> int:
        """How many tries were begun in this round."""
        return self.log[-1].number - self.base if self.log else 0

    def to_metadata(self) -> dict[str, str]:
        """Custom metadata."""
        return {
            "by": self.by,
            "host": self.host,
            "base": str(self.base),
            "next_at": repr(self.next_at),
            "until": repr(self.until),
            "log": write_log(self.log),
        }


class Outbox:
    """The webhooks under `outbox/`.

    Args:
        bucket: where they lie.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put(self, entry: Entry) -> bool:
        """Write an entry once; False when there is one already.

        Raises:
            ApiError: the bucket does not answer.
        """
        name = _name(entry.owner, entry.id)
        try:
            metadata = {**entry.to_metadata(), "schema": str(SCHEMA)}
            self._bucket.create(name, b"", "text/plain", metadata)
        except Conflict:
            return False
        return True

    def entries(self) -> list[Entry]:
        """Every entry that can be read: one list.

        Raises:
            ApiError: the bucket does not answer.
        """
        return self.inbox()[0]

    def inbox(self) -> tuple[list[Entry], dict[str, str]]:
        """Every entry, and the names of what is none that can be read, with the reasons: one list.

        Raises:
            ApiError: the bucket does not answer.
        """
        entries: list[Entry] = []
        unreadable: dict[str, str] = {}
        for meta in self._bucket.objects(PREFIX):
            try:
                entries.append(_entry(meta))
            except RecordUnreadable as odd:
                unreadable[odd.name] = odd.why
        return entries, unreadable

    def get(self, owner: str, job_id: str) -> Entry | None:
        """The entry of a job, None when there is none.

        Raises:
            RecordUnreadable: this revision cannot read it.
            ApiError: the bucket does not answer.
        """
        meta = self._bucket.stat(_name(owner, job_id))
        return _entry(meta) if meta else None

    def patch(self, entry: Entry, wanted: Entry) -> Entry | None:
        """Change an entry if nobody has since; None when somebody has, or when it is gone.

        Args:
            entry: as last seen or written.
            wanted: as it shall be, with a fresh `by`.

        Raises:
            ApiError: the bucket does not answer.
        """
        if entry.meta is None:
            return None
        try:
            meta = self._bucket.patch(entry.meta, wanted.to_metadata())
        except Conflict:
            stored = self.get(entry.owner, entry.id)
            return stored if stored and stored.by == wanted.by else None
        except Missing:
            return None
        return replace(wanted, meta=meta)

    def drop(self, entry: Entry) -> bool:
        """Remove an entry as last seen; False when somebody changed it since: it goes on.

        Raises:
            ApiError: the bucket does not answer.
        """
        if entry.meta is None:
            return False
        try:
            self._bucket.delete(entry.meta.name, entry.meta.generation, entry.meta.metageneration)
        except Conflict:
            return False
        return True

    def remove(self, owner: str, job_id: str) -> None:
        """Remove whatever is on its way for a job.

        Raises:
            ApiError: the bucket does not answer.
        """
        if meta := self._bucket.stat(_name(owner, job_id)):
            self._bucket.delete(meta.name, meta.generation)


def _name(owner: str, job_id: str) -> str:
    return f"{PREFIX}{owner}/{job_id}.json"


def _entry(meta: Meta) -> Entry:
    """The entry in an object.

    Raises:
        RecordUnreadable: it is none that this revision can read.
    """
    named = job_of(meta.name, "outbox")
    if named is None:
        raise RecordUnreadable(meta.name, "its name is none of a webhook")
    try:
        read = Fields(meta.metadata, "the entry")
        return Entry(
            *named,
            meta,
            read.text("by"),
            read.text("host", "", at_most=SHORT_AT_MOST),
            read.number("next_at"),
            read.whole("base", 0),
            read.number("until", 0.0),
            read_log(read.text("log", "")),
        )
    except NotReadable as why:
        raise RecordUnreadable(meta.name, str(why)) from None
