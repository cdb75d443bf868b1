"""Jobs whose upstream account the configuration no longer leads to.

They wait, and say so, since the account may come back; when the day of their films is over they
end, with what can honestly be said about the money. Jobs that were never sent have the queue's own
deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import NOT_CONFIGURED
from lib.core.jobs.job import Stage
from lib.core.times import DAY_S
from lib.flows.tasks.copy import give_up
from lib.flows.tasks.reconcile import give_up_doubt
from lib.flows.tasks.verdicts import account_gone

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.flows.context import Context

GONE = (
    "no answer to a submit is known, and the service's settings no longer hold its upstream "
    "account {!r}, whose task list alone could tell."
)


def mark_unreachable(context: Context, held: Held) -> str | None:
    """Say why a job waits whose account is unreachable, and end it when its day is over.

    Args:
        context: what the flows work with.
        held: the job.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; a later tick tries again.
    """
    state, now = held.state, context.now()
    if state.stage is Stage.UNSURE and now - state.until > DAY_S:
        return give_up_doubt(context, held, (), GONE.format(state.account))
    free = state.stage is Stage.RUNNING or now > state.until + context.times.skew_s
    if state.task_id and free and now - state.accepted_at > context.times.give_up_s:
        return give_up(context, held, account_gone(state, now))
    if state.stage in {Stage.QUEUED, Stage.RUNNING} and state.reason != NOT_CONFIGURED.code:
        said = state.to(
            state.stage, by=context.token(), now=state.since, reason=NOT_CONFIGURED.code
        )
        context.jobs.patch(held, said)
        logs.event("job.stranded", job=held.id, account=state.account)
    return "stranded"
