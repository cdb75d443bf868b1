"""Which jobs hold one of the few places that an account has upstream: a pure rule.

A place belongs to a task that may be running, and to nothing else: not to the copy of a film that
is made already, and not to a doubt or an unknown task for longer than a task can run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.jobs.stages import Stage
from lib.core.upstream.outcomes import TASK_AT_MOST_S

if TYPE_CHECKING:
    from lib.core.jobs.job import State

RUNNING_AT_MOST = 2  # tasks of one account at a time (Model Studio, "Rate limits")
AHEAD_AT_MOST_S = 600.0  # of our clocks, and of a lease that has just been taken


def holds_slot(state: State, now: float, window_s: float) -> bool:
    """Whether a task of this job may be running upstream.

    Args:
        state: of the job.
        now: Unix seconds.
        window_s: for how long after a lease its request may still make a task, seconds.
    """
    if state.stage in {Stage.SENDING, Stage.UNSURE}:
        began = state.until + window_s
    elif state.stage is Stage.RUNNING and not _ended(state):
        began = state.accepted_at
    else:
        return False
    # A moment far ahead is none that anything of ours began at.
    return began - AHEAD_AT_MOST_S <= now <= began + TASK_AT_MOST_S


def _ended(state: State) -> bool:
    # Only a film that is there is copied, and a try counts from its failure on.
    return state.ended_at > 0 or state.tries > 0
