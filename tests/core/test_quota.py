"""Who has used how much of a limit: rules over any history, and when a place frees.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10 (an Internet-Draft), sections 3 and
4; their syntax is RFC 9651.
"""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.core import limits as rules
from lib.core.catalogue import Money
from lib.core.errors import ApiError
from lib.core.limits import OwnerLimits
from lib.core.quota import Made, judge
from lib.core.times import DAY_S

NOW = 1_780_000_000.0


def refused(call, *args, **kwargs):
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    return caught.value


FEW = st.lists(st.floats(NOW - 2 * DAY_S, NOW), max_size=12)


@given(FEW, st.integers(1, 8))
def test_a_day_never_holds_more_jobs_than_allowed_and_the_place_frees_when_it_is_said(ats, quota):
    bound, made = OwnerLimits(jobs_per_day=quota), [Made(at) for at in ats]
    used = sum(at > NOW - DAY_S for at in ats)
    if used < quota:
        headers = judge(bound, made, rules.FREE, NOW)
        assert headers["RateLimit"].startswith(f'"jobs_per_day";r={quota - used - 1};t=')
        return
    error = refused(judge, bound, made, rules.FREE, NOW)
    assert (error.kind.status, error.headers["RateLimit"].split(";")[1]) == (429, "r=0")
    assert 1 <= error.retry_after_s <= DAY_S + 1
    judge(bound, made, rules.FREE, NOW + error.retry_after_s)
    if error.retry_after_s > 1:
        refused(judge, bound, made, rules.FREE, NOW + error.retry_after_s - 1.001)


PAID = st.lists(
    st.tuples(st.floats(NOW - 2 * DAY_S, NOW), st.decimals(0, 5, places=3)), max_size=12
)


@given(PAID, st.decimals("0.001", 9, places=3), st.decimals(1, 9, places=2))
def test_a_day_never_costs_more_than_allowed_and_the_money_frees_when_it_is_said(paid, price, most):
    bound, made = (
        OwnerLimits(spend_per_day=Money(most, "CNY")),
        [Made(at, cost=c) for at, c in paid],
    )
    if price > most:
        error = refused(judge, bound, made, price, NOW)
        assert (error.kind.status, error.retry_after_s) == (403, None)
        return
    used = sum((c for at, c in paid if at > NOW - DAY_S), Decimal(0))
    if used + price <= most:
        left = int(re.search(r"r=(\d+)", judge(bound, made, price, NOW)["RateLimit"])[1])
        assert left == int((most - used - price) * 100)
        return
    error = refused(judge, bound, made, price, NOW)
    assert error.kind.status == 429
    judge(bound, made, price, NOW + error.retry_after_s)
    if error.retry_after_s > 1:
        refused(judge, bound, made, price, NOW + error.retry_after_s - 1.001)


def test_several_limits_are_all_named_and_the_latest_counts():
    bound = OwnerLimits(jobs_per_day=1, jobs_running=1)
    error = refused(judge, bound, [Made(NOW - 60, live=True, ends_at=NOW + 30)], rules.FREE, NOW)
    assert "jobs_per_day: 1 jobs were accepted in the last 24 hours, 1 are allowed" in error.message
    assert "jobs_running: 1 jobs have not ended, 1 are allowed" in error.message
    assert error.retry_after_s == DAY_S - 60
    assert error.headers == {
        "RateLimit-Policy": '"jobs_per_day";q=1;w=86400, "jobs_running";q=1;qu="concurrent-requests"',
        "RateLimit": '"jobs_per_day";r=0;t=86340, "jobs_running";r=0;t=30',
    }


@pytest.mark.parametrize(("ends_in", "told"), [(-500, 5), (1, 5), (90, 90), (9999, 600)])
def test_when_a_running_job_ends_is_a_guess_and_told_within_bounds(ends_in, told):
    made = [Made(NOW - 600, live=True, ends_at=NOW + ends_in)]
    assert refused(judge, OwnerLimits(jobs_running=1), made, rules.FREE, NOW).retry_after_s == told
