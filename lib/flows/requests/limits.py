"""Whether an owner may make one more job: counted from the bucket's own listings, at each create.

One list call for `pending/<owner>/` and one for the newest names under `jobs/<owner>/`; no counter
is kept, so none can be wrong. Best effort: creates of one owner that are under way at the same
moment do not see each other, so a limit can be passed by as many as those. What cannot be read does
not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core import limits as rules
from lib.core.errors import ApiError
from lib.core.ids import made_at
from lib.core.jobs.job import Stage
from lib.core.outside.numbers import number
from lib.core.quota import Made, judge
from lib.core.times import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lib.adapters.state.jobs import Held
    from lib.core.limits import OwnerLimits
    from lib.core.request import VideoRequest
    from lib.flows.context import Context

SKEW_S = 60.0  # nothing was accepted later than that from now
# A refused key keeps its id for a day and may be sent again: its job is then younger than its id.
ID_AGE_S = 2 * DAY_S + 3600


def count(context: Context, owner: str) -> list[Made]:
    """What counts towards an owner's limits; may be asked before it is known whether it matters.

    Args:
        context: what the flows work with.
        owner: who asks.

    Returns:
        Every live job and every job of the last day; empty for an owner without limits.

    Raises:
        ApiError: the bucket does not answer.
    """
    limits = rules.of(context.limits, owner)
    return list(_made(context, owner, limits)) if limits.any else []


def check(
    context: Context,
    owner: str,
    request: VideoRequest,
    region: str,
    counted: Sequence[Made] | None = None,
) -> dict[str, str]:
    """Let the request pass, or refuse it; call it for a new job only, never for a replay.

    Args:
        context: what the flows work with.
        owner: who asks.
        request: what for; its model is one that the region offers.
        region: where it will run.
        counted: as `count` gave it a moment ago; None counts now.

    Returns:
        The `RateLimit` fields of the answer; empty for an owner without limits.

    Raises:
        ApiError: a limit is reached (429), or the job costs more than a day may (403), or the
            bucket does not answer (503); nothing was counted.
    """
    limits = rules.of(context.limits, owner)
    if not limits.any:
        return {}
    price = rules.cost(limits, f"{region}/{request.model}/{request.resolution}")
    made = count(context, owner) if counted is None else counted
    try:
        return judge(limits, made, price, context.now())
    except ApiError as error:
        logs.event("limit.reached", code=error.kind.code, jobs=len(made))
        raise


def _made(context: Context, owner: str, limits: OwnerLimits) -> Iterator[Made]:
    """Every live job and every job of the last day, each once."""
    # pending/ before jobs/, and jobs/ wins: the other order loses a job that moves meanwhile.
    live = {held.id: held for held in context.jobs.pending(f"{owner}/")}
    if limits.daily:
        now = context.now()
        oldest = now - ID_AGE_S
        for job_id, card in context.jobs.cards(owner):
            if (id_at := made_at(job_id)) is None:
                continue
            if id_at < oldest:
                break
            live.pop(job_id, None)
            accepted = number(card.get("accepted"), 0.0, now + SKEW_S) or id_at
            billed = card.get("paid") != "False"
            price = rules.cost(limits, _tariff(card)) if billed else rules.FREE
            yield Made(accepted, cost=price)
    for held in live.values():
        if held.state.stage is not Stage.DELETING:
            yield _live(held, limits)


def _live(held: Held, limits: OwnerLimits) -> Made:
    state, accepted = held.state, held.meta.created_at
    if state.stage is Stage.CANCELLED:
        return Made(accepted)
    return Made(
        accepted,
        live=True,
        ends_at=(state.accepted_at or accepted) + state.eta_s,
        cost=rules.cost(limits, _tariff(held.meta.metadata)),
    )


def _tariff(card: Mapping[str, str]) -> str:
    found = card.get("tariff")
    return found if isinstance(found, str) else ""
