"""What became of a create whose answer was lost: a pure decision over the upstream's task list.

Adopts a task only when it can be nobody else's, sends again only when there can be no task, and
otherwise waits and finally says why it does not know. The rules are those of the protocol; every
one of them guards money, and what cannot be read counts against sending again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lib.core import catalogue
from lib.core.times import DAY_S
from lib.core.upstream.outcomes import ENDED, TASK_AT_MOST_S

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


@dataclass(frozen=True)
class Window:
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
class Ask:
    """These tasks have ended: the prompts that the upstream reports of them may tell them apart."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True)
class GiveUp:
    """It will never be clear.

    Attributes:
        candidates: tasks that might be the doubt's; nobody may have them afterwards.
        why: the reason why it cannot be known, as a sentence.
    """

    candidates: tuple[str, ...]
    why: str


Conclusion = Adopt | SendAgain | Wait | Ask | GiveUp

NO_LIST = "the upstream's task list could not be read whole for a day."
NO_KEY = (
    "the upstream's list has never shown a task that was certainly made with this API key, so that "
    "nobody can tell which of its rows are ours."
)
ODD_ROW = "a row of the upstream's task list that may be this job's could not be read."
DISPUTED_ROW = "a task of the same time is in dispute between several jobs."
FAR_ROW = "a task of our API key that no job claims was made shortly before or after the submit."
ALIKE = "several tasks or jobs of the same time cannot be told apart by their prompts."


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
        hopeless = listing is None and now > doubt.until + DAY_S
        return GiveUp((), NO_LIST) if hopeless else Wait()
    key_ids = known_keys(listing.rows, evidence, doubt.key) | evidence.key_ids
    rows = [row for row in listing.rows if _of_model(doubt, row) and window.near(doubt, row)]
    if not key_ids:
        # The list has never shown a task of this key: an empty one proves nothing. Whose its rows
        # are will be known later, so that none may be left for another doubt to adopt.
        unknown = [row for row in rows if not _known(row, evidence)]
        disputed = any(_disputed(evidence, row) for row in rows)
        if not unknown and not disputed and any(_known(row, evidence) for row in listing.rows):
            # It shows our other tasks, and none of anybody's that could be this one.
            return SendAgain()
        free = tuple(_ids(row for row in unknown if window.holds(doubt, row)))
        return GiveUp(free, NO_KEY) if late else Wait()
    ours = [row for row in rows if row.api_key_id in key_ids or _odd_key(row, key_ids)]
    return _judge(doubt, ours, replace(evidence, key_ids=key_ids), window, late=late)


def _judge(
    doubt: Doubt, rows: list[Row], evidence: Evidence, window: Window, *, late: bool
) -> Conclusion:
    """The rows that may be ours, near the doubt: which one is, or that none is."""
    at = evidence.listing.at if evidence.listing else 0.0
    rivals = [o for o in evidence.doubts if o.id != doubt.id and o.model in {doubt.model, None}]
    disputed = any(_disputed(evidence, row) for row in rows if window.holds(doubt, row))
    free = [row for row in rows if not _known(row, evidence)]
    whole = [row for row in free if row.whole and row.model == doubt.model]
    whole = [row for row in whole if not _odd_key(row, evidence.key_ids)]
    odd = len(whole) < len(free)
    far = [row for row in whole if not window.holds(doubt, row)]
    inside = [row for row in whole if window.holds(doubt, row)]
    possible = [row for row in inside if _may_be(doubt, row, evidence)]
    # Beside the window, too: the upstream's clock may not be measured yet.
    argued = any(_disputed(evidence, row) for row in rows)
    if not possible and not (argued or odd or far):
        return SendAgain()
    if possible and not disputed and (only := _only(doubt, possible, rivals, evidence, window)):
        return Adopt(only)
    unasked = [row for row in possible if row.task_id not in evidence.prompts]
    if not disputed and (ended := _ids(row for row in unasked if row.status in ENDED)):
        return Ask(tuple(ended))
    # A task that runs will tell its prompt when it has made its film, and a rival will be settled.
    soon = unasked or any(window.holds(rival, row) for rival in rivals for row in far)
    if not late or (soon and not (disputed or odd) and at <= doubt.until + TASK_AT_MOST_S):
        return Wait()
    return GiveUp(tuple(_ids(possible)), _why(possible, disputed=argued, odd=odd))


def _only(
    doubt: Doubt, possible: list[Row], rivals: list[Doubt], evidence: Evidence, window: Window
) -> str | None:
    """The one task that can be this doubt's and nobody else's."""
    told = [row for row in possible if evidence.prompts.get(row.task_id or "") is not None]
    for rows in (possible, told if doubt.prompt is not None else []):
        if len(rows) == 1:
            (row,) = rows
            if not any(window.holds(o, row) and _may_be(o, row, evidence) for o in rivals):
                return row.task_id
    return None


def _may_be(doubt: Doubt, row: Row, evidence: Evidence) -> bool:
    """Whether a task's prompt, if it is known, leaves open that it is this doubt's."""
    told = evidence.prompts.get(row.task_id or "")
    return told is None or doubt.prompt is None or same_prompt(doubt.prompt, told)


def _why(possible: list[Row], *, disputed: bool, odd: bool) -> str:
    if odd:
        return ODD_ROW
    if disputed:
        return DISPUTED_ROW
    return ALIKE if possible else FAR_ROW


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


def unclaimed(evidence: Evidence, window: Window) -> list[str]:
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
        and not _known(row, evidence)
        and not any(window.near(doubt, row) for doubt in evidence.doubts)
    ]


def _of_model(doubt: Doubt, row: Row) -> bool:
    """Whether a row can be of the doubt's model: certainly not only where it names another of ours.

    A name that no catalogue has tells nothing: the service may write the same model otherwise.
    """
    return row.model not in catalogue.NAMES - {doubt.model, catalogue.TWINS.get(doubt.model or "")}


def _odd_key(row: Row, key_ids: frozenset[str]) -> bool:
    """Whether a row's key id is none: absent, or of another form than those that are known."""
    if row.api_key_id is None:
        return True
    digits = all(known.isdecimal() for known in key_ids)
    return digits and (not row.api_key_id.isdecimal() or not row.api_key_id.strip("0"))


def _ids(rows: Iterable[Row]) -> list[str]:
    return [row.task_id for row in rows if row.task_id]


def _disputed(evidence: Evidence, row: Row) -> bool:
    claim = evidence.claims.get(row.task_id or "")
    return claim is not None and claim.job == DISPUTED


def _known(row: Row, evidence: Evidence) -> bool:
    """Whether a job of ours has the task, or nobody may."""
    return row.task_id in evidence.recorded or row.task_id in evidence.claims
