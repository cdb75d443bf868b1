"""A read that finds a due task nobody polls looks once itself, so that no film waits for a tick.

However many read, the upstream sees one list call per account and interval: the reader must win the
account's poll lease first, and gives it back at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib import logs
from lib.core.errors import ApiError
from lib.core.jobs.job import Stage
from lib.flows.read import find
from lib.flows.tasks.account import upstream_of
from lib.flows.tasks.poll import first_look, hand_over, poll
from lib.flows.tick_state import TickState

if TYPE_CHECKING:
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

TURN_S = 20.0  # a reader's turn; a copy that takes longer is left to a tick


def refresh(context: Context, job: Job) -> Job:
    """The job as it is after a look at the upstream, if one was due and nobody else was at it.

    Args:
        context: what the flows work with.
        job: as just read.
    """
    if job.verdict or not job.state or job.state.stage is not Stage.RUNNING:
        return job
    if context.now() < first_look(context, job.state) or not upstream_of(context, job.state):
        return job
    intent = job.intent
    try:
        held = context.jobs.live(intent.owner, intent.id)
        if held is None or held.state.stage is not Stage.RUNNING:
            return find(context, intent.owner, intent.id) or job
        tick_state = TickState(context.now() + TURN_S, hurried=True)
        tick_state.relist([held])
        poll(tick_state.following(context), intent.account, tick_state)
        hand_over(context, tick_state)
        if not tick_state.done:
            return job
        return find(context, intent.owner, intent.id) or job
    except ApiError as error:
        # Only a courtesy: the reader gets what is known.
        logs.event("read.refresh_failed", job=intent.id, reason=error.kind.code)
        return job
