"""What became of a create whose answer was lost: a pure decision over the upstream's task list.

Adopts a task only when it can be nobody else's, sends again only when there can be no task, and
otherwise waits and finally says that it does not know. The rules are those of the protocol; every
one of them guards money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.core.upstream import Listing, Row

DISPUTED = "disputed"  # a claim that says: nobody may adopt this task, nor send around it


@dataclass(frozen=True)
class Claim:
    """Whose an upstream task is, once and for all.

    Attributes:
        job: the job's id, or `DISPUTED`.
        key: the id of the API key that made the task; empty when nobody knows.
    """

    job: str
    key: str = ""


@dataclass(frozen=True)
class Doubt:
    """One intent whose create may or may not have made a task.

    Attributes:
        id: the job.
        model: the upstream model.
        since: start of its lease, Unix seconds.
        until: end of its lease, Unix seconds.
        key: the id of the API key that it was sent with.
    """

    id: str
    model: str
    since: float
    until: float
    key: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that was read, in the order that makes it safe: list, pending, claims.

    Attributes:
        listing: the upstream's whole task list; None when it could not be read whole.
        recorded: task ids that stand in a pending object, to the id of the key that made them.
        claims: task id to whose it is.
        doubts: every intent of the account that is `sending` or `unsure`.
    """

    listing: Listing | None
    recorded: Mapping[str, str]
    claims: Mapping[str, Claim]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class Window:
    """The protocol's times, seconds: lease L, margin M, delay D, clock skew."""

    lease_s: float
    margin_s: float
    delay_s: float
    skew_s: float

    def holds(self, doubt: Doubt, row: Row) -> bool:
        """Whether the row's task can have been made by this doubt's send."""
        start = doubt.since - self.skew_s
        return start <= row.created_at <= doubt.until + self.margin_s + self.skew_s

    def settled_at(self, doubt: Doubt) -> float:
        """The earliest list time from which a conclusion may be drawn."""
        return doubt.until + self.margin_s + self.delay_s

    def given_up_at(self, doubt: Doubt) -> float:
        """When waiting for a clearer picture ends."""
        return self.settled_at(doubt) + self.lease_s + self.margin_s + self.delay_s


@dataclass(frozen=True)
class Adopt:
    """The task is ours."""

    task_id: str


@dataclass(frozen=True)
class SendAgain:
    """There is no task."""


@dataclass(frozen=True)
class Wait:
    """Too early, or not clear enough yet."""


@dataclass(frozen=True)
class GiveUp:
    """It will never be clear; these tasks might be ours."""

    candidates: tuple[str, ...]


Conclusion = Adopt | SendAgain | Wait | GiveUp


def conclude(doubt: Doubt, evidence: Evidence, window: Window, now: float) -> Conclusion:
    """What to do about one doubt.

    Args:
        doubt: the intent.
        evidence: what was read.
        window: the protocol's times.
        now: Unix seconds.
    """
    for task_id, claim in evidence.claims.items():
        if claim.job == doubt.id:
            return Adopt(task_id)
    late = now > window.given_up_at(doubt)
    listing = evidence.listing
    if listing is None or listing.at <= window.settled_at(doubt):
        # Without a list we may neither send again nor adopt; a day later no list can help any more.
        return GiveUp(()) if late and listing is None and _hopeless(doubt, now) else Wait()
    key_ids = known_keys(listing.rows, evidence, doubt.key)
    rows = [row for row in listing.rows if row.model == doubt.model and window.holds(doubt, row)]
    if not key_ids:
        # The list has never shown a task of this key: an empty one proves nothing. Whose its rows
        # are will be known later, so that none may be left for another doubt to adopt.
        unknown = tuple(row.task_id for row in rows if _unspoken(row, evidence))
        return GiveUp(unknown) if late else Wait()
    disputed = any(_disputed(evidence.claims.get(row.task_id)) for row in rows)
    candidates = [row for row in rows if _free(row, key_ids, evidence)]
    if not candidates and not disputed:
        return SendAgain()
    if len(candidates) == 1 and not disputed:
        (only,) = candidates
        if not _contested(doubt, only, evidence, window):
            return Adopt(only.task_id)
    return GiveUp(tuple(row.task_id for row in candidates)) if late else Wait()


def known_keys(rows: Iterable[Row], evidence: Evidence, key: str) -> frozenset[str]:
    """What the upstream calls one of our API keys, learnt from rows of tasks that it made.

    Only of this key: after a change, rows of the old one say nothing of the new one's tasks.
    """
    made_by = {
        task_id: claim.key for task_id, claim in evidence.claims.items() if not _disputed(claim)
    }
    made_by |= evidence.recorded
    return frozenset(
        row.api_key_id for row in rows if row.api_key_id and made_by.get(row.task_id) == key
    )


def _disputed(claim: Claim | None) -> bool:
    return claim is not None and claim.job == DISPUTED


def _free(row: Row, key_ids: frozenset[str], evidence: Evidence) -> bool:
    return row.api_key_id in key_ids and _unspoken(row, evidence)


def _unspoken(row: Row, evidence: Evidence) -> bool:
    return row.task_id not in evidence.recorded and row.task_id not in evidence.claims


def _contested(doubt: Doubt, row: Row, evidence: Evidence, window: Window) -> bool:
    return any(
        other.id != doubt.id and other.model == doubt.model and window.holds(other, row)
        for other in evidence.doubts
    )


def _hopeless(doubt: Doubt, now: float) -> bool:
    day_s = 24 * 3600
    return now > doubt.until + day_s
