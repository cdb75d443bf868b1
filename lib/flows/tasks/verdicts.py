"""How a job's task can have ended, as verdicts: values made of what is known, written by others.

Says about money only what the upstream's books can be asked for: True where it bills, None where
nobody can know.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lib.core.errors import DELIVERY_FAILED, SUBMIT_UNKNOWN, UPSTREAM_EXPIRED
from lib.core.jobs.job import Failure, Status, StoredVideo, Verdict
from lib.core.media.mp4 import differences
from lib.core.protocol.decide import film_was_seen
from lib.core.times import DAY_S

if TYPE_CHECKING:
    from lib.adapters.files.artifacts import Video
    from lib.core.jobs.job import Intent, State
    from lib.core.upstream.outcomes import Report

NAMED_AT_MOST = 20  # tasks in a sentence; the record keeps them all
UNSETTLED = "no answer to a submit is known, and the upstream's task list does not settle it."
ANOTHER_PROMPT = (
    "no answer to a submit is known, and the only task of the upstream's list that could be it "
    "reports another prompt than this job's."
)


def made(state: State, report: Report, now: float) -> Verdict:
    """The upstream made the film; what lies in the bucket is added by `with_film`.

    Args:
        state: of the job.
        report: of its task.
        now: Unix seconds.
    """
    return Verdict(
        Status.COMPLETED,
        now,
        task_id=state.task_id,
        upstream_request_id=state.upstream_request_id,
        usage=report.usage,
        actual_prompt=report.actual_prompt,
        paid=True,
        times=report.times,
    )


def with_film(verdict: Verdict, intent: Intent, video: Video) -> Verdict:
    """The verdict of a job whose verified film lies in the bucket, whatever it was before.

    Args:
        verdict: as far as it was known.
        intent: what was asked for.
        video: what lies there.
    """
    film = video.film
    stored = StoredVideo(
        object=video.object,
        generation=video.generation,
        bytes=video.bytes,
        crc32c=video.crc32c,
        duration_s=film.duration_s,
        width=film.width,
        height=film.height,
    )
    return replace(
        verdict,
        status=Status.COMPLETED,
        failure=None,
        video=stored,
        paid=True,
        warnings=differences(film, intent.size),
    )


def not_copied(state: State, report: Report, now: float, looks: int, reason: str) -> Verdict:
    """The film was made and paid for, and cannot be kept.

    Args:
        state: of the job.
        report: of its task.
        now: Unix seconds.
        looks: how often it was asked for.
        reason: why not, as a part of a sentence.
    """
    until = datetime.fromtimestamp(state.ended_at + DAY_S, UTC).strftime("%Y-%m-%dT%H:%MZ")
    failure = Failure(
        DELIVERY_FAILED,
        f"The film was made and is paid for, but could not be brought into the bucket: {reason}. "
        f"It was asked for {looks} times, each time by a fresh link. The upstream keeps it "
        f"until about {until} as task {state.task_id}: query that task there for a link and "
        "look at what it leads to. Sending the job again makes and bills a new film.",
        retryable=False,
    )
    return replace(made(state, report, now), status=Status.FAILED, failure=failure)


def another_prompt(state: State, report: Report, now: float) -> Verdict:
    """The task that was adopted for a job turns out to be another program's.

    Args:
        state: of the job.
        report: of the task.
        now: Unix seconds.
    """
    return replace(unknown(now, (state.task_id,), ANOTHER_PROMPT), times=report.times)


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
        SUBMIT_UNKNOWN,
        f"Nobody can tell whether the upstream made, and bills, a task for this job: {why} Look at "
        "the task list of the Model Studio console before trying again."
        f"{hint if candidates else ''}",
        retryable=False,
    )
    return Verdict(Status.FAILED, now, failure, paid=None, candidates=candidates)


def account_gone(state: State, now: float) -> Verdict:
    """The day of a film is over whose upstream account the settings no longer lead to.

    Args:
        state: of the job.
        now: Unix seconds.
    """
    failure = Failure(
        UPSTREAM_EXPIRED,
        f"The service lost its upstream account {state.account!r} before the film could be "
        "copied; a film lives 24 hours there.",
        retryable=True,
    )
    return Verdict(
        Status.EXPIRED,
        now,
        failure,
        task_id=state.task_id,
        upstream_request_id=state.upstream_request_id,
        paid=True if film_was_seen(state) else None,
    )
