"""From a finished task to a verified film in the bucket.

Takes the `copying` lease and renews it while bytes flow, streams, verifies, writes the verdict.
What passes (a host that breaks off, a bucket that does not answer) sends the job back to `running`,
and the copy starts again from the source until the film's day is over; what stays (all of it came
and is no film, a link that may not be followed) is tried a few times more and then ends the job.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.files.artifacts import NotDelivered, Unusable
from lib.adapters.outbound.fetch import FetchFailed, LinkRefused
from lib.core.errors import DELIVERY_FAILED, ApiError
from lib.core.jobs.job import Stage, Status
from lib.core.outside.numbers import number
from lib.core.protocol.decide import lost_link
from lib.core.protocol.evidence import same_prompt
from lib.core.times import DAY_S
from lib.core.upstream.outcomes import TaskStatus
from lib.flows.tasks import verdicts
from lib.flows.tasks.finish import close_if_ended, finish

if TYPE_CHECKING:
    from lib.adapters.files.artifacts import Video
    from lib.adapters.state.jobs import Held
    from lib.core.jobs.job import Intent, State, Verdict
    from lib.core.upstream.outcomes import Report
    from lib.flows.context import Context

LINK_DEAD = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
RETRY_AT_MOST_S = 600.0
# All of a film came, and is none: its host may have been caught while it wrote, or have a bad hour
# in which it sends something else. Each look is by a link of a fresh query.
BAD_PAUSES_S = (60.0, 300.0, 1200.0, 3600.0)
BAD_COPIES_AT_MOST = len(BAD_PAUSES_S) + 1
# A reader waits for this copy, within api's timeout of 90 s; films usually take a few seconds.
HURRIED_S = 15.0
# Behind the film's day its link is dead; a host that then says neither yes nor no for one more hour
# is not waited for, either.
GRACE_S = 3600.0
SKEW_AT_MOST_S = 3600.0


def copy_film(context: Context, held: Held, report: Report, *, hurried: bool = False) -> str:
    """Copy the film of a task that succeeded.

    Args:
        context: what the flows work with.
        held: the job, `running`, or `copying` with a lease that ran out.
        report: the task's fresh report.
        hurried: a reader waits for this: only a copy that has not failed yet, and only a short one.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; the lease runs out and a later tick tries again.
    """
    if hurried and held.state.tries:
        return "left_to_a_tick"
    taken = _take(context, held, report)
    intent = context.jobs.intent(taken) if taken else None
    if taken is None or intent is None:
        return "taken_by_another"
    at_most_s = HURRIED_S if hurried else context.times.copy_at_most_s
    return _copy_and_finish(context, taken, intent, report, at_most_s)


def give_up(context: Context, held: Held, verdict: Verdict) -> str:
    """End a job whose film is out of reach, under the lease of a copy.

    Another process may have found the film when it still was within reach, and be storing it now.

    Args:
        context: what the flows work with.
        held: the job, `running`, or `copying` with a lease that ran out.
        verdict: how it ends.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; a later tick tries again.
    """
    taken = _take(context, held)
    intent = context.jobs.intent(taken) if taken else None
    if taken is None or intent is None:
        return "taken_by_another"
    return _end(context, taken, intent, verdict)


def _take(context: Context, held: Held, report: Report | None = None) -> Held | None:
    now = context.now()
    until = now + context.times.copy_lease_s
    ended_at = held.state.ended_at or (_ended_at(held, report, now) if report else 0.0)
    state = held.state.to(
        Stage.COPYING, by=context.token(), now=now, until=until, ended_at=ended_at
    )
    taken = context.jobs.patch(held, state)
    return None if taken is None or close_if_ended(context, taken) else taken


def _ended_at(held: Held, report: Report, now: float) -> float:
    """When a task that succeeded ended: the upstream's word where it can be true, else now."""
    if report.status is not TaskStatus.SUCCEEDED:
        return 0.0
    earliest = held.meta.created_at - SKEW_AT_MOST_S
    reported = number(report.times.get("ended"), earliest, now + SKEW_AT_MOST_S)
    return now if reported is None else min(reported, now)


class _Lease:
    """The lease on one copy, renewed while there is something to copy.

    Args:
        context: what the flows work with.
        held: the job as it was taken.
    """

    def __init__(self, context: Context, held: Held) -> None:
        self._context, self.held, self._lost = context, held, False

    def ours(self) -> bool:
        """Whether the copy may go on; renews a lease of which less than half is left.

        Raises:
            ApiError: the bucket does not answer.
        """
        context, state, now = self._context, self.held.state, self._context.now()
        if self._lost or now > state.until:
            self._lost = True
            return False
        lease_s = context.times.copy_lease_s
        if state.until - now < lease_s / 2:
            until, since = now + lease_s, state.since
            fresh = state.to(Stage.COPYING, by=context.token(), now=now, since=since, until=until)
            renewed = context.jobs.patch(self.held, fresh)
            self._lost = renewed is None
            self.held = renewed or self.held
        return not self._lost and context.now() <= self.held.state.until


def _copy_and_finish(
    context: Context, taken: Held, intent: Intent, report: Report, at_most_s: float
) -> str:
    asked = intent.request.prompt or ""
    if taken.state.adopted and not same_prompt(asked, report.orig_prompt or ""):
        finish(context, taken, intent, verdicts.another_prompt(taken.state, report, context.now()))
        return "submit_unknown"
    lease = _Lease(context, taken)
    try:
        video = _copy(context, lease, report, at_most_s)
    except _LinkDead:
        return _passing(context, lease.held, intent, report, "the link does not answer", DAY_S)
    except LinkRefused as reason:
        return _lasting(context, lease.held, intent, report, f"its link is not followed ({reason})")
    except Unusable as reason:
        found = f"what its host sends is no film that can be kept ({reason})"
        return _lasting(context, lease.held, intent, report, found)
    except (FetchFailed, NotDelivered) as reason:
        return _passing(context, lease.held, intent, report, str(reason), DAY_S + GRACE_S)
    except ApiError:
        # The film may have come to exist without our hearing of it: never beside another ending.
        close_if_ended(context, lease.held)
        raise
    verdict = verdicts.made(lease.held.state, report, context.now())
    return _finish(context, lease.held, intent, verdicts.with_film(verdict, intent, video))


def _finish(context: Context, held: Held, intent: Intent, verdict: Verdict) -> str:
    stands = finish(context, held, intent, verdict)
    if verdict.status is not Status.COMPLETED:
        logs.event("job.ended", job=held.id, status=str(verdict.status))
        return str(verdict.status)
    if stands and stands.status is not Status.COMPLETED:
        # Another ending was written first and is final: no film may lie beside it.
        context.artifacts.remove_video(held.owner, held.id)
        return str(stands.status)
    logs.event("job.completed", job=held.id, bytes=verdict.video.bytes if verdict.video else None)
    return "completed"


class _LinkDead(Exception):
    pass


def _copy(context: Context, lease: _Lease, report: Report, at_most_s: float) -> Video:
    if not report.video_url:
        raise NotDelivered("the upstream reported success without a link")
    with context.fetch.film(report.video_url, total_s=at_most_s) as download:
        if download.status in LINK_DEAD:
            raise _LinkDead
        if download.status != HTTPStatus.OK:
            raise NotDelivered(f"the film's host answered {download.status}")
        held = lease.held
        return context.artifacts.store_video(
            held.owner, held.id, download.chunks, download.length, lease.ours
        )


def _again(context: Context, held: Held, reason: str, **changes: int) -> str:
    state = held.state.to(
        Stage.RUNNING,
        by=context.token(),
        now=context.now(),
        tries=held.state.tries + 1,
        reason=DELIVERY_FAILED.code,
        **changes,
    )
    if context.jobs.patch(held, state) is None:
        return "taken_by_another"
    logs.event("copy.again", job=held.id, reason=reason, tries=state.tries)
    return "copy_again"


def retry_at(state: State) -> float:
    """When a job whose copy failed is looked at again, Unix seconds."""
    if state.bad_copies:
        return state.since + BAD_PAUSES_S[min(state.bad_copies, len(BAD_PAUSES_S)) - 1]
    return state.since + min(2.0 ** min(state.tries, 10), RETRY_AT_MOST_S)


def _passing(
    context: Context, held: Held, intent: Intent, report: Report, reason: str, wait_s: float
) -> str:
    """Something that may be over by itself: tried again, by a link of a fresh query, for a day."""
    now = context.now()
    if now - held.state.ended_at <= wait_s:
        return _again(context, held, reason)
    word = _end(context, held, intent, lost_link(held.state, report, now))
    if word != str(Status.FAILED):
        return word
    logs.event("job.upstream_expired", job=held.id)
    return "upstream_expired"


def _lasting(context: Context, held: Held, intent: Intent, report: Report, reason: str) -> str:
    """Something that trying again will not change: a few more looks at it, then the end."""
    bad_copies = held.state.bad_copies + 1
    if bad_copies < BAD_COPIES_AT_MOST:
        return _again(context, held, reason, bad_copies=bad_copies)
    verdict = verdicts.not_copied(held.state, report, context.now(), bad_copies, reason)
    word = _end(context, held, intent, verdict)
    if word == str(Status.FAILED):
        logs.event("copy.given_up", job=held.id, reason=reason, tries=bad_copies)
    return word


def _end(context: Context, held: Held, intent: Intent, verdict: Verdict) -> str:
    """Write an ending without a film, under the lease and only if no film lies in the bucket."""
    # A copy whose last answer was lost has stored the film without hearing of it.
    if video := context.artifacts.stored_video(held.owner, held.id):
        verdict = verdicts.with_film(verdict, intent, video)
    if context.now() > held.state.until:
        return "taken_by_another"
    return _finish(context, held, intent, verdict)
