"""Where a job's task lives: the account that it was sent to, in the region of that time.

Never asks another account, and never sends a key to an address out of the bucket: when the
configuration no longer leads there, the answer is None and the job waits (`unreachable`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.core.jobs.job import Stage

if TYPE_CHECKING:
    from lib.adapters.dashscope import DashScope
    from lib.core.jobs.job import State
    from lib.flows.context import Context


def upstream_of(context: Context, state: State) -> DashScope | None:
    """The upstream of a job; None when its account is gone or lies in another region now.

    Args:
        context: what the flows work with.
        state: of the job; one that is yet to be sent may go wherever its account is now.
    """
    found = context.upstreams.get(state.account)
    if found is None or state.stage is Stage.QUEUED:
        return found
    return found if state.region in {"", found.region} else None
