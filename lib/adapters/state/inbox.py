"""What lies under `pending/`, each object read alone: jobs, and whatever else somebody put there.

Reads only what was fetched already. What cannot be read is told apart with a reason; whoever works
with jobs leaves it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.core.ids import job_of
from lib.core.jobs.job import Intent, State
from lib.core.outside.records import NotReadable, RecordUnreadable, record

if TYPE_CHECKING:
    from lib.adapters.bucket.metadata import Meta


@dataclass(frozen=True)
class Held:
    """A pending object as this process last saw or wrote it.

    Attributes:
        owner: whose job.
        id: which job.
        state: its state.
        meta: the object's versions; conditions of the next write come from here.
    """

    owner: str
    id: str
    state: State
    meta: Meta

    @property
    def name(self) -> str:
        """The pending object's name."""
        return self.meta.name


@dataclass(frozen=True)
class Unreadable:
    """An object in a place of ours that this revision cannot read; it is left as it is.

    Attributes:
        name: the object's.
        why: which field is at fault, never what stands in it.
        meta: the object's versions, and its metadata as it is.
    """

    name: str
    why: str
    meta: Meta

    @property
    def may_have_task(self) -> bool:
        """Whether an upstream task may belong to it: a job of a newer revision, or a spoilt one."""
        named = job_of(self.name, "pending") is not None
        return named and (self.meta.odd or "stage" in self.meta.metadata)


@dataclass(frozen=True)
class Inbox:
    """What lies under `pending/`.

    Attributes:
        jobs: every live job that can be read, in name order.
        unreadable: whatever else is there.
    """

    jobs: tuple[Held, ...]
    unreadable: tuple[Unreadable, ...]


def read_held(meta: Meta) -> Held | Unreadable:
    """What a pending object says of its job, or why this revision cannot tell."""
    named = job_of(meta.name, "pending")
    if named is None:
        return Unreadable(meta.name, "its name is none of a job", meta)
    try:
        return Held(*named, State.from_metadata(meta.metadata), meta)
    except NotReadable as why:
        return Unreadable(meta.name, str(why), meta)


def read_intent(name: str, body: bytes) -> Intent:
    """The body of a pending object.

    Raises:
        RecordUnreadable: this revision cannot read it.
    """
    _, owner, file = name.split("/")
    try:
        return checked(Intent.from_json(record(body)), owner, file.removesuffix(".json"))
    except NotReadable as why:
        raise RecordUnreadable(name, str(why)) from None


def checked(intent: Intent, owner: str, job_id: str) -> Intent:
    """An intent that stands where it belongs.

    Raises:
        NotReadable: it is one of another job.
    """
    if (intent.owner, intent.id) != (owner, job_id):
        raise NotReadable("the intent is one of another job")
    return intent
