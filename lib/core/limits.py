"""What an owner may do in a day and at once, as it is configured, and what a job counts for.

Refuses settings that contradict themselves: a limit in money must know what every job costs. Who
has used how much of a limit is judged in `quota`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lib.core import catalogue
from lib.core.catalogue import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVERYBODY = "*"
COUNTS = ("jobs_per_day", "jobs_running", "uploads_per_day")
MONEY = ("spend_per_day", "unpriced_job")
JOBS_AT_MOST = 1_000_000
AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ([A-Z]{3})")
FREE = Decimal(0)


class BadLimits(ValueError):
    """OWNER_LIMITS holds what cannot be a limit: names the owner, the field, what is allowed."""


@dataclass(frozen=True)
class OwnerLimits:
    """An owner's limits; None is no limit.

    Attributes:
        jobs_per_day: jobs accepted within 24 hours, whatever became of them.
        jobs_running: jobs that have not ended.
        uploads_per_day: files uploaded within 24 hours, used or not, and links to upload with.
        spend_per_day: what the jobs accepted within 24 hours may cost together.
        unpriced_job: what a job counts for whose price no public page states.
    """

    jobs_per_day: int | None = None
    jobs_running: int | None = None
    spend_per_day: Money | None = None
    unpriced_job: Money | None = None
    uploads_per_day: int | None = None

    @property
    def daily(self) -> bool:
        """Whether jobs of the last day matter at all."""
        return self.jobs_per_day is not None or self.spend_per_day is not None

    @property
    def any(self) -> bool:
        """Whether there is anything to judge of a job."""
        return self.daily or self.jobs_running is not None


def parse(table: Mapping[str, Any], regions: Iterable[str]) -> Mapping[str, OwnerLimits]:
    """The limits of every owner that has a row; `*` stands for everybody and fills gaps of rows.

    Args:
        table: owner or `*` to limits, as JSON; null lifts a limit of `*`.
        regions: where the service works: a limit in money must know what every job costs there.

    Raises:
        BadLimits: a field is unknown or out of bounds, or a job could not be counted.
    """
    default = _row(EVERYBODY, table.get(EVERYBODY, {}))
    rows = {owner: OwnerLimits(**{**default, **_row(owner, row)}) for owner, row in table.items()}
    for owner, limits in rows.items():
        _check_money(owner, limits, tuple(regions))
    return rows


def of(table: Mapping[str, OwnerLimits], owner: str) -> OwnerLimits:
    """The limits of one owner."""
    return table.get(owner) or table.get(EVERYBODY) or OwnerLimits()


def _row(owner: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise BadLimits(f"{owner}: must be a JSON object of {', '.join(COUNTS + MONEY)}.")
    return {name: _limit(owner, name, value) for name, value in row.items()}


def _limit(owner: str, name: str, value: Any) -> int | Money | None:
    if name not in COUNTS + MONEY:
        raise BadLimits(f"{owner}: {name!r} is no limit; allowed: {', '.join(COUNTS + MONEY)}.")
    if value is None:
        return None
    if name in COUNTS:
        if type(value) is not int or not 1 <= value <= JOBS_AT_MOST:
            raise BadLimits(
                f"{owner}: {name} is {value!r}; allowed: a whole number from 1 to "
                f"{JOBS_AT_MOST}, or null for no limit. To shut somebody out, revoke their keys."
            )
        return value
    found = AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if not found or not Decimal(found[1]):
        raise BadLimits(
            f'{owner}: {name} is {value!r}; allowed: an amount and a currency, as "20 CNY".'
        )
    return Money(Decimal(found[1]), found[2])


def _check_money(owner: str, limits: OwnerLimits, regions: tuple[str, ...]) -> None:
    spend, unpriced = limits.spend_per_day, limits.unpriced_job
    if spend is None:
        return
    if unpriced and unpriced.currency != spend.currency:
        raise BadLimits(f"{owner}: unpriced_job must be in {spend.currency}, as spend_per_day is.")
    if unpriced:
        return
    for region in regions:
        for model in catalogue.models(region):
            for tier in model.resolutions:
                if _amount(f"{region}/{model.name}/{tier}", spend.currency) is None:
                    raise BadLimits(
                        f"{owner}: spend_per_day is in {spend.currency}, and no public page states "
                        f"what {model.name} at {tier} costs in region {region} in that currency; "
                        f'say with unpriced_job what it counts for, as "3 {spend.currency}".'
                    )


def _amount(tariff: str, currency: str) -> Decimal | None:
    region, _, rest = tariff.partition("/")
    name, _, tier = rest.partition("/")
    for model in catalogue.models(region):
        price = model.price_per_s.get(tier) if model.name == name else None
        if price is not None and price.currency == currency:
            return price.amount * catalogue.SECONDS
    return None


def cost(limits: OwnerLimits, tariff: str) -> Decimal:
    """What a job counts for under `spend_per_day`; 0 without that limit.

    Args:
        limits: the owner's; their currency is the one that counts.
        tariff: `region/model/resolution`; one that nobody knows (any more) counts as unpriced.
    """
    if limits.spend_per_day is None:
        return Decimal(0)
    currency = limits.spend_per_day.currency
    if (amount := _amount(tariff, currency)) is not None:
        return amount
    if limits.unpriced_job:
        return limits.unpriced_job.amount
    prices = [price for model in catalogue.MODELS for price in model.price_per_s.values() if price]
    amounts = [price.amount for price in prices if price.currency == currency]
    return max(amounts, default=Decimal(0)) * catalogue.SECONDS
