"""What a DELETE leaves behind is cleared again by ticks, until nobody can be late any more.

The marker under `pending/` is written by `requests.delete`; here it is met, and goes in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib.adapters.state.jobs import Tombstone
from lib.core.jobs.job import Stage
from lib.flows.tasks.finish import purge

if TYPE_CHECKING:
    from lib.adapters.state.jobs import Held
    from lib.flows.context import Context

CLEANUP_MARKER_LIFE_S = (
    900.0  # longer than any process of ours lives: the functions' timeouts are shorter
)


def clear(context: Context, owner: str, job_id: str) -> None:
    """Remove the film, the frames and the undelivered webhook of a job; safe to repeat."""
    context.artifacts.remove_video(owner, job_id)
    context.artifacts.remove_frames(owner, job_id)
    context.outbox.remove(owner, job_id)


def cleanup(context: Context, held: Held) -> str | None:
    """A tick meets the marker of a DELETE: clears once more, and again when nobody can be late.

    A copier that stands still before its last write may store its film after the DELETE; it is gone
    for good when its function has timed out.
    """
    old = context.now() - held.state.since > CLEANUP_MARKER_LIFE_S
    if held.state.tries and not old:
        return None
    try:
        context.jobs.finished(held.owner, held.id)
    except Tombstone:
        if context.jobs.intent(held) is None:
            return None
        if old:
            purge(context, held)
            return "deleted"
        clear(context, held.owner, held.id)
        state = held.state.to(Stage.DELETING, by=context.token(), now=held.state.since, tries=1)
        context.jobs.patch(held, state)
        return "cleared"
    if old:
        context.jobs.drop(held)
        return "tidied"
    return None
