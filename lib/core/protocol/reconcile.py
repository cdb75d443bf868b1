"""What became of a create whose answer was lost: a pure decision over the upstream's task list.

Adopts a task only when it can be nobody else's, sends again only when there can be no task, and
otherwise waits and finally says why it does not know. The rules are those of the protocol; every
one of them guards money, and what cannot be read counts against sending again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib.core.protocol.evidence import ids_of, known_keys, odd_key, of_model, same_prompt
from lib.core.times import DAY_S
from lib.core.upstream.outcomes import ENDED, TASK_AT_MOST_S

if TYPE_CHECKING:
    from lib.core.protocol.evidence import Doubt, Evidence, SubmitWindow
    from lib.core.upstream.outcomes import Row


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


def conclude(doubt: Doubt, evidence: Evidence, window: SubmitWindow, now: float) -> Conclusion:
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
    rows = [row for row in listing.rows if of_model(doubt, row) and window.near(doubt, row)]
    if not key_ids:
        # The list has never shown a task of this key: an empty one proves nothing. Whose its rows
        # are will be known later, so that none may be left for another doubt to adopt.
        unknown = [row for row in rows if not evidence.knows(row)]
        disputed = any(evidence.disputes(row) for row in rows)
        if not unknown and not disputed and any(evidence.knows(row) for row in listing.rows):
            # It shows our other tasks, and none of anybody's that could be this one.
            return SendAgain()
        free = tuple(ids_of(row for row in unknown if window.holds(doubt, row)))
        return GiveUp(free, NO_KEY) if late else Wait()
    ours = [row for row in rows if row.api_key_id in key_ids or odd_key(row, key_ids)]
    return _judge(doubt, ours, replace(evidence, key_ids=key_ids), window, late=late)


def _judge(
    doubt: Doubt, rows: list[Row], evidence: Evidence, window: SubmitWindow, *, late: bool
) -> Conclusion:
    """The rows that may be ours, near the doubt: which one is, or that none is."""
    at = evidence.listing.at if evidence.listing else 0.0
    rivals = [o for o in evidence.doubts if o.id != doubt.id and o.model in {doubt.model, None}]
    disputed = any(evidence.disputes(row) for row in rows if window.holds(doubt, row))
    free = [row for row in rows if not evidence.knows(row)]
    whole = [row for row in free if row.whole and row.model == doubt.model]
    whole = [row for row in whole if not odd_key(row, evidence.key_ids)]
    odd = len(whole) < len(free)
    far = [row for row in whole if not window.holds(doubt, row)]
    inside = [row for row in whole if window.holds(doubt, row)]
    possible = [row for row in inside if _may_be(doubt, row, evidence)]
    # Beside the window, too: the upstream's clock may not be measured yet.
    argued = any(evidence.disputes(row) for row in rows)
    if not possible and not (argued or odd or far):
        return SendAgain()
    if possible and not disputed and (only := _only(doubt, possible, rivals, evidence, window)):
        return Adopt(only)
    unasked = [row for row in possible if row.task_id not in evidence.prompts]
    if not disputed and (ended := ids_of(row for row in unasked if row.status in ENDED)):
        return Ask(tuple(ended))
    # A task that runs will tell its prompt when it has made its film, and a rival will be settled.
    soon = unasked or any(window.holds(rival, row) for rival in rivals for row in far)
    if not late or (soon and not (disputed or odd) and at <= doubt.until + TASK_AT_MOST_S):
        return Wait()
    return GiveUp(tuple(ids_of(possible)), _why(possible, disputed=argued, odd=odd))


def _only(
    doubt: Doubt, possible: list[Row], rivals: list[Doubt], evidence: Evidence, window: SubmitWindow
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
