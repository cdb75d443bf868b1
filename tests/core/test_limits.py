"""What an owner may do, as it is configured: what a row may say, and what a job counts for."""

import json
import re
from decimal import Decimal

import pytest

from lib.config import ConfigError
from lib.core import limits as rules
from lib.core.catalogue import FLASH, PLUS_INTERNATIONAL, Money
from lib.core.limits import OwnerLimits


def test_rows_take_over_what_they_do_not_say_and_null_lifts_it():
    rows = rules.parse(
        {"*": {"jobs_per_day": 5, "jobs_running": 2}, "alice": {"jobs_per_day": None}, "bob": {"jobs_per_day": 9}},
        ["singapore"],
    )  # fmt: skip
    assert rules.of(rows, "alice") == OwnerLimits(None, 2)
    assert rules.of(rows, "bob") == OwnerLimits(9, 2)
    assert rules.of(rows, "anybody") == OwnerLimits(5, 2)
    assert rules.of({}, "anybody") == OwnerLimits()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"jobs_per_week": 1}, "is no limit"),
        ({"jobs_per_day": 0}, "revoke their keys"),
        ({"jobs_per_day": -1}, "from 1 to"),
        ({"jobs_per_day": True}, "whole number"),
        ({"jobs_per_day": "5"}, "whole number"),
        ({"jobs_running": 1.5}, "whole number"),
        ({"spend_per_day": 20}, "20 CNY"),
        ({"spend_per_day": "20"}, "20 CNY"),
        ({"spend_per_day": "0 CNY"}, "20 CNY"),
        ({"spend_per_day": "-1 CNY"}, "20 CNY"),
        ({"spend_per_day": "1e3 CNY"}, "20 CNY"),
        ({"spend_per_day": "20 CNY"}, "unpriced_job"),
        ({"spend_per_day": "20 USD", "unpriced_job": "1 CNY"}, "must be in USD"),
        ([], "JSON object"),
    ],
)
def test_a_row_that_cannot_be_a_limit_stops_the_start(make_world, row, says):
    with pytest.raises(ConfigError, match="OWNER_LIMITS: .*" + re.escape(says)):
        make_world(env={"OWNER_LIMITS": json.dumps({"*": row})})


def test_where_every_price_is_known_no_unpriced_job_is_asked_for():
    assert rules.parse({"a": {"spend_per_day": "20 CNY"}}, ["beijing"])["a"].unpriced_job is None


def test_a_price_is_the_tables_and_the_rest_counts_as_configured():
    spending = OwnerLimits(
        spend_per_day=Money(Decimal(20), "CNY"), unpriced_job=Money(Decimal(3), "CNY")
    )
    assert rules.cost(spending, "beijing/wan2.2-kf2v-flash/480P") == Decimal("0.50")
    assert rules.cost(spending, f"singapore/{PLUS_INTERNATIONAL}/720P") == Decimal("3.669620")
    assert rules.cost(spending, f"singapore/{FLASH}/480P") == Decimal(3)
    assert rules.cost(spending, "") == Decimal(3)
    known = OwnerLimits(spend_per_day=Money(Decimal(20), "CNY"))
    assert rules.cost(known, "gone/model/720P") == Decimal("3.669620")  # the dearest there is
    assert rules.cost(OwnerLimits(jobs_per_day=1), "") == 0
