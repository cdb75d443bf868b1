"""What was read about creates in doubt: claims, lists and windows, and what a row may be.

Everything that `reconcile` decides on, as values and as questions about one row of the upstream's
task list. What cannot be read leaves open whose a task is; nothing here guesses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lib.core import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lib.core.upstream.outcomes import Listing, Row

DISPUTED = "disputed"  # a claim that says: nobody may adopt this task, nor send around it
PROMPT_KEPT = 800  # characters; the upstream cuts a longer prompt and reports what it kept


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
        model: the upstream model; None for an intent that could not be read: it may be any.
        since: start of its lease, Unix seconds.
        until: end of its lease, Unix seconds.
        key: the id of the API key that it was sent with.
        owner: whose job, for looking up its prompt.
        prompt: what was sent; None when it was not looked up or could not be read.
    """

    id: str
    model: str | None
    since: float
    until: float
    key: str = ""
    owner: str = ""
    prompt: str | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything that was read, in the order that makes it safe: list, pending, claims.

    Attributes:
        listing: the upstream's whole task list; None when it could not be read whole.
        recorded: task ids that stand in a pending object, to the id of the key that made them.
        claims: task id to whose it is.
        doubts: every intent of the account that is `sending` or `unsure`, and those that could not
            be read.
        key_ids: what the list has called the doubt's API key on earlier days.
        prompts: task id to the prompt that the upstream reports of it; None where it reports none.
    """

    listing: Listing | None
    recorded: Mapping[str, str]
    claims: Mapping[str, Claim]
    doubts: tuple[Doubt, ...]
    key_ids: frozenset[str] = frozenset()
    prompts: Mapping[str, str | None] = field(default_factory=dict)

    def knows(self, row: Row) -> bool:
        """Whether a job of ours has the row's task, or nobody may."""
        return row.task_id in self.recorded or row.task_id in self.claims

    def disputes(self, row: Row) -> bool:
        """Whether nobody may have the row's task."""
        claim = self.claims.get(row.task_id or "")
        return claim is not None and claim.job == DISPUTED


@dataclass(frozen=True)
class SubmitWindow:
    """The protocol's times, seconds: lease L, margin M, delay D, clock skew.

    Attributes:
        lease_s: L.
        margin_s: M.
        delay_s: D.
        skew_s: how far two clocks may be apart.
        far_s: how far the upstream's clock may be off beyond that without a second payment: a task
            so near the window forbids sending again, though it is never adopted.
    """

    lease_s: float
    margin_s: float
    delay_s: float
    skew_s: float
    far_s: float = 300.0

    def holds(self, doubt: Doubt, row: Row) -> bool:
        """Whether the row's task can have been made by this doubt's send."""
        return self._within(doubt, row, self.skew_s)

    def near(self, doubt: Doubt, row: Row) -> bool:
        """Whether it can have been, were the upstream's clock as wrong as `far_s`."""
        return self._within(doubt, row, self.skew_s + self.far_s)

    def _within(self, doubt: Doubt, row: Row, slack_s: float) -> bool:
        at = row.created_at
        if at is None:
            return True
        return doubt.since - slack_s <= at <= doubt.until + self.margin_s + slack_s

    def settled_at(self, doubt: Doubt) -> float:
        """The latest list time, by any of our clocks, that may still miss the doubt's task."""
        return doubt.until + self.margin_s + self.delay_s + self.skew_s

    def given_up_at(self, doubt: Doubt) -> float:
        """When waiting for a clearer picture ends."""
        return self.settled_at(doubt) + self.lease_s + self.margin_s + self.delay_s


def same_prompt(sent: str, told: str) -> bool:
    """Whether a task's reported prompt is what was sent; white space is the upstream's to change.

    Args:
        sent: the whole prompt.
        told: `orig_prompt` of the task.
    """
    return " ".join(sent[:PROMPT_KEPT].split()) == " ".join(told[:PROMPT_KEPT].split())


def known_keys(rows: Iterable[Row], evidence: Evidence, key: str) -> frozenset[str]:
    """What the upstream calls one of our API keys, learnt from rows of tasks that it made.

    Only of this key: after a change, rows of the old one say nothing of the new one's tasks.
    """
    made_by = {
        task_id: claim.key for task_id, claim in evidence.claims.items() if claim.job != DISPUTED
    }
    made_by |= evidence.recorded
    return frozenset(
        row.api_key_id
        for row in rows
        if row.api_key_id and row.task_id and made_by.get(row.task_id) == key
    )


def unclaimed(evidence: Evidence, window: SubmitWindow) -> list[str]:
    """Tasks of our key that no job claims and no doubt explains: one was paid beside the rules.

    Args:
        evidence: list, pending and claims in their order; `key_ids` of the key in use.
        window: the protocol's times.
    """
    listing = evidence.listing
    return [
        row.task_id
        for row in (listing.rows if listing else ())
        if row.task_id
        and row.api_key_id in evidence.key_ids
        and not evidence.knows(row)
        and not any(window.near(doubt, row) for doubt in evidence.doubts)
    ]


def of_model(doubt: Doubt, row: Row) -> bool:
    """Whether a row can be of the doubt's model: certainly not only where it names another of ours.

    A name that no catalogue has tells nothing: the service may write the same model otherwise.
    """
    return row.model not in catalogue.NAMES - {doubt.model, catalogue.TWINS.get(doubt.model or "")}


def odd_key(row: Row, key_ids: frozenset[str]) -> bool:
    """Whether a row's key id is none: absent, or of another form than those that are known."""
    if row.api_key_id is None:
        return True
    digits = all(known.isdecimal() for known in key_ids)
    return digits and (not row.api_key_id.isdecimal() or not row.api_key_id.strip("0"))


def ids_of(rows: Iterable[Row]) -> list[str]:
    """The tasks that rows name."""
    return [row.task_id for row in rows if row.task_id]
