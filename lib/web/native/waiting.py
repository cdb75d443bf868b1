"""A GET that waits for its job: a thread that looks into the bucket now and then.

Waiting asks the upstream no more than any other read. Few may wait at once in an instance, so that
others always find a thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lib.flows.read import find
from lib.flows.requests.refresh import refresh

if TYPE_CHECKING:
    from lib.core.jobs.job import Job
    from lib.flows.context import Context

WAITERS_AT_MOST = 4
LOOK_EVERY_S = 2.0


class Waiting:
    """The requests that wait in this instance.

    Args:
        context: what the flows work with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._slots = context, threading.BoundedSemaphore(WAITERS_AT_MOST)

    def wait(self, job: Job, wait_s: float) -> Job | None:
        """The job when it has ended, or as it is when the time is over.

        Args:
            job: as just read.
            wait_s: at most so long, seconds.

        Returns:
            None when too many wait already: the caller is answered at once.

        Raises:
            ApiError: the bucket does not answer.
        """
        if not self._slots.acquire(blocking=False):
            return None
        try:
            context, intent = self._context, job.intent
            end = context.now() + wait_s
            while not job.status.terminal and (left := end - context.now()) > 0:
                context.sleep(min(LOOK_EVERY_S, left))
                found = find(context, intent.owner, intent.id)
                if found is None:
                    return job  # deleted meanwhile
                job = refresh(context, found)
            return job
        finally:
            self._slots.release()
