"""What a task's report means for its job: a pure function of (state, report, now).

Only the upstream's verdict and the expiry rule end a job here; in every other case it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.core.errors import UPSTREAM_EXPIRED
from lib.core.jobs.job import Failure, Status, Verdict
from lib.core.upstream.outcomes import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from lib.core.errors import Kind
    from lib.core.jobs.job import State
    from lib.core.upstream.outcomes import Report


@dataclass(frozen=True)
class Copy:
    """The film is there: copy it to the bucket."""

    report: Report


@dataclass(frozen=True)
class Keep:
    """Nothing to do yet."""


@dataclass(frozen=True)
class End:
    """The job is over without a film.

    Attributes:
        verdict: how it ends.
        final: the upstream's own last word; otherwise another process may hold the film by now.
    """

    verdict: Verdict
    final: bool = True


Decision = Copy | Keep | End


def decide(
    state: State,
    report: Report,
    now: float,
    give_up_s: float,
    classify: Callable[[str], tuple[Kind, bool]],
) -> Decision:
    """What to do after a query.

    Args:
        state: of the job; `accepted_at` says since when the task is ours.
        report: the upstream's answer.
        now: Unix seconds.
        give_up_s: how long a task may be unknown to the upstream before the job is expired.
        classify: DashScope's error code to our kind.
    """
    if report.status is TaskStatus.SUCCEEDED:
        return Copy(report)
    if report.status is TaskStatus.FAILED:
        return End(_failed(state, report, now, classify))
    if report.status is TaskStatus.CANCELED:
        paid = _billed(state, report)
        return End(_verdict(Status.CANCELLED, state, report, now, None, paid=paid))
    if report.status is TaskStatus.UNKNOWN and now - state.accepted_at > give_up_s:
        return End(_expired(state, report, now), final=False)
    # UNKNOWN within the first day happens while the upstream's own records settle.
    return Keep()


def lost_link(state: State, report: Report, now: float) -> Verdict:
    """The film was made and paid for, and its link died before it could be copied."""
    failure = Failure(
        UPSTREAM_EXPIRED,
        "The film was made, but its link expired before it could be copied to the bucket.",
        retryable=True,
    )
    return _verdict(Status.FAILED, state, report, now, failure, paid=True)


def _failed(
    state: State, report: Report, now: float, classify: Callable[[str], tuple[Kind, bool]]
) -> Verdict:
    kind, _waits = classify(report.code)
    message = report.message or "The upstream gave no reason."
    failure = Failure(kind, message, kind.retryable, upstream_code=report.code or None)
    return _verdict(Status.FAILED, state, report, now, failure, paid=_billed(state, report))


def _expired(state: State, report: Report, now: float) -> Verdict:
    failure = Failure(
        UPSTREAM_EXPIRED,
        "The upstream no longer knows the task; its record and its film live 24 hours.",
        retryable=True,
    )
    made = film_was_seen(state)
    status = Status.FAILED if made else Status.EXPIRED
    return _verdict(status, state, report, now, failure, paid=True if made else None)


def film_was_seen(state: State) -> bool:
    """Whether the upstream has said that the task succeeded; a film that exists is billed."""
    return bool(state.tries or state.ended_at)


def _billed(state: State, report: Report) -> bool | None:
    """Whether a task without a film is billed: it is not, unless somebody contradicts.

    Only successes are billed (Model Studio, "Model pricing"). Nobody can know where the same task
    was reported as a success before, or where its last report says that something was used.
    """
    used = any(
        isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        for value in report.usage.values()
    )
    return None if used or film_was_seen(state) else False


def _verdict(
    status: Status,
    state: State,
    report: Report,
    now: float,
    failure: Failure | None,
    *,
    paid: bool | None,
) -> Verdict:
    return Verdict(
        status,
        now,
        failure,
        task_id=state.task_id,
        upstream_request_id=state.upstream_request_id,
        usage=report.usage,
        paid=paid,
        times=report.times,
    )
