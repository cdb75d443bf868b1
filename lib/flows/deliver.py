"""From a finished task to a verified film in the bucket.

Takes the `copying` lease, streams, verifies, writes the verdict. Whatever goes wrong on the way,
the job goes back to `running` and the copy starts again from the source, until that is dead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lib import logs
from lib.adapters.artifacts import NotDelivered
from lib.adapters.fetch import FetchFailed
from lib.core.decide import DAY_S, lost_link
from lib.core.errors import ApiError
from lib.core.job import Failure, Stage, Status, Verdict
from lib.flows.finish import already, finish

if TYPE_CHECKING:
    from lib.adapters.artifacts import Video
    from lib.adapters.jobs import Held
    from lib.core.job import Intent, State
    from lib.core.upstream import Report
    from lib.flows.kit import Kit

PROMPT_KEPT = 800  # the upstream cuts a longer prompt and reports what it kept
LINK_DEAD = frozenset({403, 404, 410})
RETRY_AT_MOST_S = 600.0
NAMED_AT_MOST = 20  # tasks in a sentence; the record keeps them all
UNSETTLED = "no answer to a submit is known, and the upstream's task list does not settle it."
ANOTHER_PROMPT = (
    "no answer to a submit is known, and the only task of the upstream's list that could be it "
    "reports another prompt than this job's."
)


def deliver(kit: Kit, held: Held, report: Report) -> str:
    """Copy the film of a task that succeeded.

    Args:
        kit: the hands.
        held: the job, `running`, or `copying` with a lease that ran out.
        report: the task's fresh report.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; the lease runs out and a later tick tries again.
    """
    taken = _take(kit, held)
    intent = kit.jobs.intent(taken) if taken else None
    if taken is None or intent is None:
        return "taken_by_another"
    return _bring_home(kit, taken, intent, report)


def give_up(kit: Kit, held: Held, verdict: Verdict) -> str:
    """End a job whose film is out of reach, under the lease of a copy.

    Another process may have found the film when it still was within reach, and be storing it now.

    Args:
        kit: the hands.
        held: the job, `running`, or `copying` with a lease that ran out.
        verdict: how it ends.

    Returns:
        What happened, as a word for the tick's summary.

    Raises:
        ApiError: the bucket does not answer; a later tick tries again.
    """
    taken = _take(kit, held)
    intent = kit.jobs.intent(taken) if taken else None
    if taken is None or intent is None or kit.now() > taken.state.until:
        return "taken_by_another"
    finish(kit, taken, intent, verdict)
    logs.event("job.ended", job=held.id, status=str(verdict.status))
    return str(verdict.status)


def _take(kit: Kit, held: Held) -> Held | None:
    now = kit.now()
    until = now + kit.times.copy_lease_s
    state = held.state.to(Stage.COPYING, by=kit.token(), now=now, until=until)
    taken = kit.jobs.patch(held, state)
    return None if taken is None or already(kit, taken) else taken


def _bring_home(kit: Kit, taken: Held, intent: Intent, report: Report) -> str:
    if taken.state.adopted and not _same_prompt(intent, report):
        finish(kit, taken, intent, _not_ours(kit, taken, report))
        return "submit_unknown"
    try:
        video = _copy(kit, taken, report)
    except _LinkDead:
        return _dead(kit, taken, intent, report)
    except (FetchFailed, NotDelivered) as reason:
        return _again(kit, taken, str(reason))
    except ApiError:
        # The film may have come to exist without our hearing of it: never beside another ending.
        already(kit, taken)
        raise
    stands = finish(kit, taken, intent, _completed(kit, taken, report, video))
    if stands and stands.status is not Status.COMPLETED:
        # Another ending was written first and is final: no film may lie beside it.
        kit.artifacts.remove_video(taken.owner, taken.id)
        return str(stands.status)
    logs.event("job.completed", job=taken.id, bytes=video.bytes)
    return "completed"


class _LinkDead(Exception):  # noqa: N818 - an event inside this module
    pass


def _copy(kit: Kit, held: Held, report: Report) -> Video:
    if not report.video_url:
        raise NotDelivered("the upstream reported success without a link")
    with kit.fetch.stream(report.video_url) as download:
        if download.status in LINK_DEAD:
            raise _LinkDead
        if download.status != 200:  # noqa: PLR2004 - a whole film is asked for
            raise NotDelivered(f"the film's host answered {download.status}")
        return kit.artifacts.store_video(
            held.owner,
            held.id,
            download.chunks,
            download.length,
            lambda: kit.now() <= held.state.until,
        )


def _again(kit: Kit, held: Held, reason: str) -> str:
    logs.event("copy.again", job=held.id, reason=reason, tries=held.state.tries + 1)
    state = held.state.to(
        Stage.RUNNING,
        by=kit.token(),
        now=kit.now(),
        tries=held.state.tries + 1,
        reason="delivery_failed",
    )
    kit.jobs.patch(held, state)
    return "copy_again"


def retry_at(state: State) -> float:
    """When a job whose copy failed is looked at again, Unix seconds."""
    pause_s: float = min(2.0 ** min(state.tries, 10), RETRY_AT_MOST_S)
    return state.since + pause_s


def _dead(kit: Kit, held: Held, intent: Intent, report: Report) -> str:
    """A film whose day is over is gone; any other is tried again, by a link of a fresh query."""
    now, ended = kit.now(), report.times.get("ended", held.state.accepted_at)
    if now - ended <= DAY_S:
        return _again(kit, held, "the link does not answer")
    if now > held.state.until:
        return "taken_by_another"
    finish(kit, held, intent, lost_link(held.state, report, now))
    logs.event("job.upstream_expired", job=held.id)
    return "upstream_expired"


def _same_prompt(intent: Intent, report: Report) -> bool:
    sent = str(intent.request.get("prompt") or "")[:PROMPT_KEPT]
    return (report.orig_prompt or "") == sent


def _completed(kit: Kit, held: Held, report: Report, video: Video) -> Verdict:
    return Verdict(
        Status.COMPLETED,
        kit.now(),
        video={
            "object": video.object,
            "generation": video.generation,
            "bytes": video.bytes,
            "crc32c": video.crc32c,
            "duration_s": video.film.duration_s,
            "width": video.film.width,
            "height": video.film.height,
        },
        task_id=held.state.task_id,
        upstream_request_id=held.state.upstream_request_id,
        usage=report.usage,
        actual_prompt=report.actual_prompt,
        paid=True,
        times=report.times,
    )


def _not_ours(kit: Kit, held: Held, report: Report) -> Verdict:
    verdict = unknown(kit.now(), (held.state.task_id,), ANOTHER_PROMPT)
    return replace(verdict, times=report.times)


def unknown(now: float, candidates: tuple[str, ...], why: str = UNSETTLED) -> Verdict:
    """The honest last resort: nobody can tell whether a task was made for this job.

    Args:
        now: Unix seconds.
        candidates: upstream tasks that might be it.
        why: a sentence that says why it cannot be known; true also where nothing was ever sent.
    """
    named = ", ".join(candidates[:NAMED_AT_MOST])
    more = len(candidates) - NAMED_AT_MOST
    hint = f" Tasks that might be it: {named}{f' and {more} more' if more > 0 else ''}."
    failure = Failure(
        "submit_unknown",
        f"Nobody can tell whether the upstream made, and bills, a task for this job: {why} Look at "
        "the task list of the Model Studio console before trying again."
        f"{hint if candidates else ''}",
        retryable=False,
    )
    return Verdict(Status.FAILED, now, failure, paid=None, candidates=candidates)
