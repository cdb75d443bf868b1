"""Whether one more job fits into its owner's limits, and what the answer's headers say of them.

A day is the last 24 hours, so a place frees exactly a day after it was taken. Knows neither bucket
nor HTTP: it gets the owner's jobs and returns with header fields or a refusal. The fields are
those of draft-ietf-httpapi-ratelimit-headers-10 (an Internet-Draft, not yet an RFC), sections 3
and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lib.core.errors import FORBIDDEN, RATE_LIMITED, ApiError
from lib.core.times import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lib.core.limits import OwnerLimits

SOON_S, LATER_S = 5.0, 600.0  # when a running job ends is a guess: never told nearer or farther
HUNDREDTHS = 100  # header fields carry whole numbers (RFC 9651 integers)


@dataclass(frozen=True)
class Made:
    """A job of the owner, as far as limits care.

    Attributes:
        at: when it was accepted, Unix seconds.
        live: whether it has not ended.
        ends_at: when it will probably have ended, Unix seconds; for live ones only.
        cost: what it costs or may cost, in the currency of the limit; 0 when it is not billed.
    """

    at: float
    live: bool = False
    ends_at: float = 0.0
    cost: Decimal = Decimal(0)


@dataclass(frozen=True)
class _Rule:
    """One limit as it stands; numbers are whole, as the header fields want them."""

    name: str
    quota: int
    left: int
    left_after: int
    policy: str
    frees_at: float | None
    refusal: str = ""


def judge(limits: OwnerLimits, made: Sequence[Made], price: Decimal, now: float) -> dict[str, str]:
    """Let one more job pass, or refuse it.

    Args:
        limits: the owner's.
        made: their jobs: all live ones, and all of the last day.
        price: what the new one counts for.
        now: Unix seconds.

    Returns:
        The `RateLimit` fields of the answer, the new job counted; empty without limits.

    Raises:
        ApiError: `rate_limited` with a sentence for every limit that is reached, `Retry-After` and
            the fields; `forbidden` for a job that costs more than a whole day may.
    """
    day = sorted((job for job in made if job.at > now - DAY_S), key=lambda job: job.at)
    live = [job for job in made if job.live]
    found = (_per_day(limits, day, now), _running(limits, live, now))
    rules = [rule for rule in (*found, _spend(limits, day, price, now)) if rule]
    reached = [rule for rule in rules if rule.refusal]
    if not reached:
        return _fields(rules, now, passes=True)
    raise ApiError(
        RATE_LIMITED,
        " ".join(rule.refusal for rule in reached),
        retry_after_s=max(_wait(rule, now) for rule in reached),
        headers=_fields(rules, now, passes=False),
    )


def _per_day(limits: OwnerLimits, day: Sequence[Made], now: float) -> _Rule | None:
    quota, used = limits.jobs_per_day, len(day)
    if quota is None:
        return None
    over = used >= quota
    frees_at = (day[used - quota if over else 0].at if day else now) + DAY_S
    refusal = (
        f"jobs_per_day: {used} jobs were accepted in the last 24 hours, {quota} are allowed; the "
        f"next place frees at {_clock(frees_at)}."
    )
    left = max(0, quota - used)
    policy = f"q={quota};w={DAY_S}"
    return _Rule("jobs_per_day", quota, left, left - 1, policy, frees_at, refusal if over else "")


def _running(limits: OwnerLimits, live: Sequence[Made], now: float) -> _Rule | None:
    quota, used = limits.jobs_running, len(live)
    if quota is None:
        return None
    left, policy = max(0, quota - used), f'q={quota};qu="concurrent-requests"'
    if used < quota:
        return _Rule("jobs_running", quota, left, left - 1, policy, None)
    ends = sorted(job.ends_at for job in live)[used - quota]
    frees_at = min(max(ends, now + SOON_S), now + LATER_S)
    refusal = (
        f"jobs_running: {used} jobs have not ended, {quota} are allowed; one should end about "
        f"{_clock(frees_at)}."
    )
    return _Rule("jobs_running", quota, left, left, policy, frees_at, refusal)


def _spend(limits: OwnerLimits, day: Sequence[Made], price: Decimal, now: float) -> _Rule | None:
    limit = limits.spend_per_day
    if limit is None:
        return None
    if price > limit.amount:
        raise ApiError(
            FORBIDDEN,
            f"spend_per_day: this job costs {price.normalize():f} {limit.currency}, and a whole "
            f"day may cost {limit.amount:f}; no waiting helps. Ask for a smaller resolution.",
        )
    paid = [job for job in day if job.cost]
    used = sum((job.cost for job in paid), Decimal(0))
    left_over, frees_at, refusal = limit.amount - used, now + DAY_S, ""
    if paid:
        frees_at = paid[0].at + DAY_S
    if price > left_over:
        frees_at = _when_paid(paid, left_over, price) + DAY_S
        refusal = (
            f"spend_per_day: the jobs of the last 24 hours cost {used.normalize():f} "
            f"{limit.currency}, {limit.amount:f} are allowed and this one costs "
            f"{price.normalize():f}; enough frees at {_clock(frees_at)}."
        )
    quota, left = _hundredths(limit.amount), _hundredths(left_over)
    policy = f'q={quota};qu="{limit.currency}/{HUNDREDTHS}";w={DAY_S}'
    after = left if refusal else _hundredths(left_over - price)
    return _Rule("spend_per_day", quota, left, after, policy, frees_at, refusal)


def _when_paid(paid: Sequence[Made], left_over: Decimal, price: Decimal) -> float:
    """When the job was accepted whose leaving frees enough for the price."""
    for job in paid:
        left_over += job.cost
        if price <= left_over:
            return job.at
    return paid[-1].at


def _hundredths(amount: Decimal) -> int:
    return max(0, math.floor(amount * HUNDREDTHS))


def _fields(rules: Sequence[_Rule], now: float, *, passes: bool) -> dict[str, str]:
    if not rules:
        return {}
    states = []
    for rule in rules:
        left = rule.left_after if passes else rule.left
        reset = "" if rule.frees_at is None else f";t={_wait(rule, now)}"
        states.append(f'"{rule.name}";r={left}{reset}')
    return {
        "RateLimit-Policy": ", ".join(f'"{rule.name}";{rule.policy}' for rule in rules),
        "RateLimit": ", ".join(states),
    }


def _wait(rule: _Rule, now: float) -> int:
    return max(1, math.ceil((rule.frees_at or now) - now))


def _clock(at: float) -> str:
    return datetime.fromtimestamp(math.ceil(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
